/**
 * What the parts of the shell know of each other: the client that it belongs
 * to, the side that people see, and what its own commands may do to it.
 *
 * @module
 */
import type { Api, OpenConnection } from "../api.ts";
import type { Context } from "../command.ts";
import type { Settings } from "../config.ts";
import type { Io } from "../io.ts";
import type { Connections } from "./connections.ts";
import type { Notices } from "../notices.ts";
import type { Keyboard } from "./keyboard.ts";
import type { Told } from "./site_copy.ts";
import type { OwnCommands } from "./table.ts";
import type { ShellConfig } from "./ush_config.ts";

/** What the shell needs of the client that it runs in. */
export interface ShellHost extends Context {
  /** How connections are opened; the usual way when undefined. */
  readonly open: OpenConnection | undefined;
  /** The controller that the command line named. */
  readonly controller: string | undefined;
  /** What a controller lets everybody know, and what of it was told. */
  readonly notices: Notices;
  /** Runs a command line; answers its exit code and never throws. */
  run(
    argv: readonly string[],
    io: Io,
    open: OpenConnection,
  ): Promise<number>;
  /** Tells an error on standard error; answers its exit code. */
  report(io: Io, error: unknown): Promise<number>;
}

/** The same, once the shell has read its configuration. */
export interface ShellContext extends ShellHost {
  readonly config: ShellConfig;
}

/** The side of the shell that people see. */
export interface Front {
  /** Says something that no command was asked for. */
  say(text: string): void;
  /** Whether there is somebody who can be asked. */
  readonly isAttended: boolean;
  /** What commands read from; null for the input as it is. */
  readonly keyboard: Keyboard | null;
  /** Puts the terminal into the mode that commands begin in. */
  lend(): void;
  /** Lines that were entered; null where none are kept. */
  history(): readonly string[] | null;
}

/** The shell, as its own commands change it. */
export interface Shell {
  readonly io: Io;
  readonly front: Front;
  readonly own: OwnCommands;
  readonly connections: Connections;
  readonly details: boolean;
  /** Whose changes are told between prompts. */
  told: Told;
  /** Whether to end after this command. */
  isOver: boolean;
  /** Settings as they are now, of the controller that was chosen here. */
  settings(): Promise<Settings>;
  setDetails(on: boolean): void;
  /** Makes `controller` the one that commands talk to. */
  choose(controller: string): void;
  /** Opens the standing connection anew, where there is a session. */
  attach(): Promise<unknown>;
  /** Refuses commands that need the controller, until `uncut()`. */
  cutOff(): void;
  uncut(): void;
  /** A connection for the shell's own questions. */
  api(): Promise<Api>;
  /** Runs a command line of usher from within a command of the shell. */
  runOther(argv: readonly string[]): Promise<number>;
}
