/**
 * A command as data: its flags, its words, its examples and what it runs.
 *
 * The parser, the help and the completion all read this one description, so
 * none of them can forget a flag that the others know.
 *
 * @module
 */
import type { Api } from "./api.ts";
import type { Settings } from "./config.ts";
import type { Io } from "./io.ts";
import { UsageError } from "./usage.ts";

/** What the shell offers for a value. */
export type Completes =
  | "vm"
  | "cluster"
  | "node"
  | "user"
  | "token"
  | "session"
  /** Users and their clusters. */
  | "owner"
  | "operation"
  | "plugin"
  | "event"
  | "file"
  | "none";

/** One flag; `T` is what a command gets for it. */
export interface Flag<T> {
  readonly kind: "switch" | "value" | "list";
  readonly short?: string | undefined;
  /** The value's name in the help; absent for a switch. */
  readonly metavar?: string | undefined;
  readonly help: string;
  readonly choices?: readonly string[] | undefined;
  readonly completes?: Completes | undefined;
  /** Turns one word into its value; throws UsageError when it cannot. */
  readonly read?: ((text: string) => unknown) | undefined;
  /** Never there: carries the type. */
  readonly type?: T;
}

/** Flags by name, without their dashes. */
// deno-lint-ignore no-explicit-any -- any flag, whatever it carries
export type Flags = Readonly<Record<string, Flag<any>>>;

/** What a command gets for its flags, by name. */
export type FlagValues<F extends Flags> = {
  readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never;
};

/** What may be said of a flag besides its help. */
export interface FlagOptions {
  readonly short?: string;
  readonly completes?: Completes;
  /** What it may be, for the completion and the help of what is none of them. */
  readonly choices?: readonly string[];
}

/** A flag that is there or not. */
export function toggle(help: string, options: FlagOptions = {}): Flag<boolean> {
  return { kind: "switch", help, ...options };
}

/** A flag with one word of text. */
export function text(
  metavar: string,
  help: string,
  options: FlagOptions = {},
): Flag<string | undefined> {
  return { kind: "value", metavar, help, ...options };
}

/** A flag with one of a few words. */
export function choice<const C extends readonly string[]>(
  choices: C,
  help: string,
  options: FlagOptions = {},
): Flag<C[number] | undefined> {
  return {
    kind: "value",
    metavar: choices.join("|"),
    help,
    choices,
    ...options,
  };
}

/** A flag whose word is read by `read`. */
export function parsed<T>(
  metavar: string,
  help: string,
  read: (text: string) => T,
  options: FlagOptions = {},
): Flag<T | undefined> {
  return { kind: "value", metavar, help, read, ...options };
}

/** A flag that may be given several times. */
export function list<T>(
  metavar: string,
  help: string,
  read: (text: string) => T,
  options: FlagOptions = {},
): Flag<readonly T[]> {
  return { kind: "list", metavar, help, read, ...options };
}

/** A reader of whole numbers within bounds. */
export function wholeNumber(
  what: string,
  { min, max }: { min: number; max: number },
): (text: string) => number {
  return (word) => {
    const value = /^\d+$/.test(word) ? Number(word) : NaN;
    if (value >= min && value <= max) return value;
    throw new UsageError(
      `"${word}" is no ${what}: it must be a whole number from ${min} to ${max}`,
      `write a number, such as ${Math.max(min, Math.min(max, 4))}`,
    );
  };
}

/** The words of a command that are no flags. */
export interface Words {
  /** As the help writes them: `NAMES... [key=value...]`. */
  readonly usage: string;
  readonly min: number;
  readonly max: number;
  readonly completes: Completes;
  /** Fixed words instead of live names, for the completion. */
  readonly choices?: readonly string[];
  /** Fixed words for all but the first. */
  readonly then?: readonly string[];
  /** What a word is when it must be one of the choices. */
  readonly oneOf?: string;
}

/** No words at all. */
export const NO_WORDS: Words = {
  usage: "",
  min: 0,
  max: 0,
  completes: "none",
};

/** One to many VMs. */
export const VM_NAMES: Words = {
  usage: "NAMES...",
  min: 1,
  max: Infinity,
  completes: "vm",
};

/** How the shell runs. */
export interface ShellOptions {
  /** A script to run. */
  readonly file: string | undefined;
  /** Commands to run. */
  readonly command: string | undefined;
  /** Go on after a command that failed. */
  readonly keepGoing: boolean;
}

/** What every command can reach. */
export interface Context {
  readonly io: Io;
  /** Where the controller is, and how output looks by default. */
  settings(): Promise<Settings>;
  /** A connection to the controller, made at the first call. */
  api(): Promise<Api>;
  /** Runs the shell, which runs commands itself and so is none of them. */
  shell(options: ShellOptions): Promise<number>;
}

/** What a command gets to work with. */
export interface Input<F extends Flags> {
  readonly words: readonly string[];
  readonly flags: FlagValues<F>;
}

/** A command; `run` answers the exit code. */
export interface Command<F extends Flags = Flags> {
  /** What it does, in a sentence or two. */
  readonly about: string;
  readonly words: Words;
  readonly flags: F;
  /** Command lines with what they do, for the help. */
  readonly examples: readonly (readonly [line: string, does: string])[];
  run(context: Context, input: Input<F>): Promise<number>;
}

/** Keeps the types of a command's flags. */
export function defineCommand<const F extends Flags>(
  command: Command<F>,
): Command<F> {
  return command;
}

/** Flags that every command takes. */
export const COMMON_FLAGS = {
  controller: text("URL", "the controller to talk to"),
  help: toggle("show this help", { short: "h" }),
} as const satisfies Flags;
