/**
 * The flags of what makes a role a service of its machine, and undoes that.
 * What they do is not the client's: src/install runs them.
 *
 * @module
 */
import { defineCommand, NO_WORDS, text, toggle } from "../command.ts";
import { UsageError } from "../usage.ts";

function notHere(): Promise<number> {
  throw new UsageError(
    "This runs from the usher executable alone, not through the client library",
  );
}

const INSTALL_FLAGS = {
  "dry-run": toggle("say what would be done, and do nothing"),
  "no-start": toggle("put all in place, and neither start nor restart it"),
} as const;

const UNINSTALL_FLAGS = {
  "dry-run": INSTALL_FLAGS["dry-run"],
  purge: toggle("remove the state as well; it cannot be had back"),
} as const;

/** The commands, by the role and word that name them. */
export const INSTALL_COMMANDS = {
  "ctrl install": defineCommand({
    about:
      "Make the controller a service of this machine: the executable in /usr/local/bin with a link ush for its shell, its systemd unit, the default configuration in /etc/usher, a system user. What is there and was edited stays. Again, from a newer file, it upgrades in place.",
    words: NO_WORDS,
    flags: INSTALL_FLAGS,
    examples: [
      ["usher ctrl install --dry-run", "each step, before any is done"],
    ],
    run: notHere,
  }),
  "ctrl uninstall": defineCommand({
    about:
      "Undo usher ctrl install: what it put and nobody edited goes, all else stays and is named. The state stays, too, but for --purge.",
    words: NO_WORDS,
    flags: UNINSTALL_FLAGS,
    examples: [
      ["usher ctrl uninstall --dry-run", "what would go, and what would stay"],
    ],
    run: notHere,
  }),
  "lnm install": defineCommand({
    about:
      "Make the node manager a service of this machine, and the machine a node of a site. It runs as root. What is there and was edited stays. Again, from a newer file, it upgrades in place; guests run on.",
    words: NO_WORDS,
    flags: {
      ...INSTALL_FLAGS,
      join: text("TOKEN", "join a site, with a token of usher node token"),
    },
    examples: [
      [
        "usher lnm install --dry-run --join TOKEN",
        "each step, before any is done",
      ],
    ],
    run: notHere,
  }),
  "lnm uninstall": defineCommand({
    about:
      "Undo usher lnm install: what it put and nobody edited goes, all else stays and is named. Guests run on. The state stays, too, but for --purge, which is refused while guests run.",
    words: NO_WORDS,
    flags: UNINSTALL_FLAGS,
    examples: [
      ["usher lnm uninstall --dry-run", "what would go, and what would stay"],
    ],
    run: notHere,
  }),
} as const;
/** One of them. */
export type InstallWord = keyof typeof INSTALL_COMMANDS;

/** The command that the words behind `usher` name; null for none. */
export function installWord(
  role: string,
  word: string | undefined,
): InstallWord | null {
  const name = `${role} ${word}`;
  return Object.hasOwn(INSTALL_COMMANDS, name) ? name as InstallWord : null;
}
