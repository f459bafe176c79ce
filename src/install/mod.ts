/**
 * `usher ctrl|lnm install` and `uninstall`: flags in, steps told, exit codes
 * out.
 *
 * @module
 */
import type { InstallWord } from "../client/commands/install.ts";
import { EXIT } from "../client/exit.ts";
import { parseInstallCommand } from "../client/main.ts";
import { loadConfig } from "../config/load.ts";
import { countGuests } from "../driver/registry.ts";
import { UsherError } from "../error/mod.ts";
import { readCredential, readJoinToken } from "../lnm/credential.ts";
import { credentialFor } from "../lnm/lnm.ts";
import { LnmConfig } from "../schema/config.ts";
import { makeFolder } from "../sys/file.ts";
import { createLog } from "../sys/log.ts";
import { isExecutable } from "../sys/machine.ts";
import { untilAsked } from "../sys/signal.ts";
import { VERSION } from "../version.ts";
import { install, type InstallOptions } from "./install.ts";
import { type Machine, thisMachine } from "./machine.ts";
import { uninstall } from "./uninstall.ts";

/** Runs one of them; answers the exit code. */
export async function runInstall(
  word: InstallWord,
  argv: readonly string[],
): Promise<number> {
  switch (word) {
    case "ctrl install": {
      const given = await parseInstallCommand(word, argv);
      if ("exit" in given) return given.exit;
      const { flags } = given.parsed;
      await install(await machineHere(), "ctrl", {
        dryRun: flags["dry-run"],
        start: !flags["no-start"],
        join: null,
        waitsFor: null,
      });
      return EXIT.done;
    }
    case "lnm install": {
      const given = await parseInstallCommand(word, argv);
      if ("exit" in given) return given.exit;
      const { flags } = given.parsed;
      await install(await machineHere(), "lnm", {
        dryRun: flags["dry-run"],
        start: !flags["no-start"],
        ...await joining(flags.join),
      });
      return EXIT.done;
    }
    case "ctrl uninstall":
    case "lnm uninstall": {
      const given = await parseInstallCommand(word, argv);
      if ("exit" in given) return given.exit;
      const { flags } = given.parsed;
      const role = word === "ctrl uninstall" ? "ctrl" : "lnm";
      await uninstall(await machineHere(), role, {
        dryRun: flags["dry-run"],
        purge: flags.purge,
      });
      return EXIT.done;
    }
  }
}

async function machineHere(): Promise<Machine> {
  if (!isExecutable()) {
    throw new UsherError(
      "unsupported",
      "Cannot install from the sources: a service runs the executable",
      { hint: "scripts/deno task compile makes it" },
    );
  }
  return await thisMachine(guestsHere, untilAsked());
}

/** Guests of this machine's node, of every driver that its configuration enables. */
async function guestsHere(): Promise<number> {
  // What cannot be read must not keep anybody from uninstalling.
  const config = await loadConfig("lnm", LnmConfig)
    .catch(() => LnmConfig.parse({}));
  const { state_dir, run_dir, drivers } = config;
  let guests = 0;
  for (const [name, { enabled, ...its }] of Object.entries(drivers)) {
    if (!enabled) continue;
    guests += await countGuests(name, {
      stateDir: `${state_dir}/${name}`,
      runDir: `${run_dir}/${name}`,
      config: its,
    });
  }
  return guests;
}

/** Whether this node is to join, has joined, or cannot be started before it has. */
async function joining(
  token: string | undefined,
): Promise<Pick<InstallOptions, "join" | "waitsFor">> {
  const config = await loadConfig("lnm", LnmConfig);
  const known = await readCredential(config.state_dir).catch((error) => {
    // Who only wants to see what would be done need not be root.
    if (/os error 13\b/.test(String(error))) return null;
    throw error;
  });
  if (known !== null) return { join: null, waitsFor: null };
  if (token === undefined) {
    const waitsFor =
      'this node has not joined a site; print a token with "usher node token", then: usher lnm install --join TOKEN';
    return { join: null, waitsFor };
  }
  // Before anything is put in place for it.
  readJoinToken(token);
  const join = {
    said: "join the site that the token names",
    async act() {
      await makeFolder(config.state_dir);
      const log = createLog(config.log);
      await credentialFor({ config, join: token, version: VERSION, log });
    },
  };
  return { join, waitsFor: null };
}
