/**
 * What a command sees of the machine: terminal, environment, interrupts.
 *
 * `deno.ts` is the one that runs; tests bring their own.
 *
 * @module
 */
import type { CliSection } from "../schema/ush_config.ts";

/** Standard output or standard error. */
export interface Output {
  readonly isTerminal: boolean;
  /** Columns of the terminal; 80 where there is none. */
  columns(): number;
  /** Lines of the terminal; 24 where there is none. */
  rows(): number;
  /** Writes at once and whole; throws an error named `BrokenPipe`. */
  write(data: string | Uint8Array): void;
}

/** Standard input. */
export interface Input {
  readonly isTerminal: boolean;
  /**
   * Raw: each key arrives at once, none is echoed or acted on; but Ctrl-C and
   * Ctrl-Z are where they keep their meaning.
   */
  setRaw(raw: boolean, keepsSignals?: boolean): void;
  chunks(): AsyncIterable<Uint8Array>;
}

/** Everything of the machine that commands use. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: Input;
  env(name: string): string | undefined;
  now(): number;
  /** What the program's own configuration says over cli.yaml. */
  readonly cli?: CliSection;
  /** Calls `handler` at each Ctrl-C or SIGTERM until it is disposed of. */
  onInterrupt(handler: () => void): Disposable;
}

/** Whether colours are wanted on `output` (https://no-color.org). */
export function wantsColor(io: Io, output: Output): boolean {
  return output.isTerminal && !io.env("NO_COLOR") && io.env("TERM") !== "dumb";
}
