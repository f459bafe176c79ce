/**
 * The roles among the commands, with the commands that stand behind them.
 *
 * @module
 */
import type { Entry } from "./entry.ts";
import type { InstallWord } from "./install.ts";

/** What makes a role a service of the machine, or undoes that. */
function installEntry(word: InstallWord): Entry {
  return {
    summary: word.endsWith("uninstall")
      ? "undo the installation as a service"
      : "make it a service of this machine",
    load: async () => (await import("./install.ts")).INSTALL_COMMANDS[word],
  };
}

/** Roles by their names; the executable runs them, not the client. */
export const ROLE_ENTRIES: Readonly<Record<string, Entry>> = {
  ctrl: {
    summary: "run the controller; check, back up and restore its state",
    role: true,
    load: async () => (await import("./roles.ts")).ctrl,
    words: {
      check: {
        summary: "check the stored state",
        load: async () => (await import("./ctrl.ts")).CTRL_COMMANDS.check,
      },
      reload: {
        summary: "let the controller read its configuration anew",
        load: async () => (await import("./ctrl.ts")).CTRL_COMMANDS.reload,
      },
      backup: {
        summary: "write all that a controller needs into one file",
        load: async () => (await import("./ctrl.ts")).CTRL_COMMANDS.backup,
      },
      restore: {
        summary: "make an empty state directory from a backup",
        load: async () => (await import("./ctrl.ts")).CTRL_COMMANDS.restore,
      },
      install: installEntry("ctrl install"),
      uninstall: installEntry("ctrl uninstall"),
    },
  },
  lnm: {
    summary: "run the local node manager of this machine",
    role: true,
    load: async () => (await import("./roles.ts")).lnm,
    words: {
      install: installEntry("lnm install"),
      uninstall: installEntry("lnm uninstall"),
    },
  },
  dev: {
    summary: "run a controller and nodes in one process, to try and to test",
    role: true,
    load: async () => (await import("./roles.ts")).dev,
  },
  sim: {
    summary: "run a whole site on virtual time, with faults, from a seed",
    role: true,
    load: async () => (await import("./roles.ts")).sim,
  },
};
