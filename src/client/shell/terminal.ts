/**
 * The terminal of the shell, which knows in what mode it is, so that it can be
 * put back into it after somebody else had it.
 *
 * @module
 */
import type { Input, Io } from "../io.ts";

/** An `Io` whose terminal remembers its mode. */
export interface ModeKeeping {
  readonly io: Io;
  /** Puts the terminal into the mode it was in. */
  again(): void;
}

/** `io` with a terminal that can be put back into its mode. */
export function modeKeeping(io: Io): ModeKeeping {
  let mode: Parameters<Input["setRaw"]> = [false];
  const { stdin } = io;
  const set: Input["setRaw"] = (...wanted) => {
    mode = wanted;
    stdin.setRaw(...wanted);
  };
  return {
    io: {
      stdout: io.stdout,
      stderr: io.stderr,
      env: (name) => io.env(name),
      now: () => io.now(),
      onInterrupt: (handler) => io.onInterrupt(handler),
      ...(io.cli === undefined ? {} : { cli: io.cli }),
      stdin: {
        isTerminal: stdin.isTerminal,
        setRaw: set,
        chunks: () => stdin.chunks(),
      },
    },
    again: () => stdin.setRaw(...mode),
  };
}
