/**
 * An entry of the table of commands: a noun with its verbs, or a word that is
 * a command by itself.
 *
 * @module
 */
import type { Command } from "../command.ts";

/** How a command is found, and what the overview says of it. */
export interface Entry {
  readonly summary: string;
  // deno-lint-ignore no-explicit-any -- each command has flags of its own
  readonly load: () => Promise<Command<any>>;
  /** Left out of help and completion. */
  readonly hidden?: true;
  /** A daemon: the executable runs it, not the client. */
  readonly role?: true;
  /** Commands that stand behind it: `usher ctrl check`. */
  readonly words?: Readonly<Record<string, Entry>>;
}

/** A noun with verbs. */
export interface Noun {
  readonly summary: string;
  readonly verbs: Readonly<Record<string, Entry>>;
}
