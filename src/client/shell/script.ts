/**
 * Scripts of ush: commands from a text, a file or a pipe, one after the other.
 *
 * The first that fails ends the script, unless it is to go on; its exit code is
 * the script's either way. A pipe is read as it comes, so a program may write
 * a command, look what became of it, and write the next.
 *
 * @module
 */
import { EXIT } from "../exit.ts";
import type { Front, ShellContext } from "./front.ts";
import type { Input } from "../io.ts";
import { Keyboard } from "./keyboard.ts";
import { LineReader } from "./line_reader.ts";
import { Session } from "./session.ts";
import { isUnfinished, readCommands, type ShellCommand } from "./words.ts";

/** How a script runs. */
export interface ScriptOptions {
  /** Go on after a command that failed. */
  readonly keepGoing: boolean;
}

/** Runs `text`; its commands read the input of the shell. */
export async function runText(
  context: ShellContext,
  text: string,
  options: ScriptOptions,
): Promise<number> {
  const script = new Script(context, options, null);
  return await script.run((async function* () {
    yield { text, line: 1 };
  })());
}

/** Runs what comes on standard input; its commands read nothing. */
export async function runInput(
  context: ShellContext,
  options: ScriptOptions,
): Promise<number> {
  const lines = new LineReader(new Keyboard(context.io.stdin));
  const script = new Script(context, options, new Keyboard(NO_INPUT));
  return await script.run(pieces(lines));
}

const NO_INPUT: Input = {
  isTerminal: false,
  setRaw() {},
  async *chunks() {},
};

interface Piece {
  readonly text: string;
  /** The number of its first line. */
  readonly line: number;
}

/** Whole commands: lines, joined where a quote or a backslash goes over the end. */
async function* pieces(lines: LineReader): AsyncGenerator<Piece, void, void> {
  let text = "";
  let first = 1;
  for (let number = 1;; number++) {
    const line = await lines.next();
    if (line === null) break;
    if (text === "") first = number;
    text += text === "" ? line : `\n${line}`;
    if (isUnfinished(text)) continue;
    yield { text, line: first };
    text = "";
  }
  if (text !== "") yield { text, line: first };
}

class Script implements Front {
  readonly isAttended = false;
  readonly keyboard: Keyboard | null;
  readonly #context: ShellContext;
  readonly #options: ScriptOptions;
  #isInterrupted = false;

  constructor(
    context: ShellContext,
    options: ScriptOptions,
    keyboard: Keyboard | null,
  ) {
    this.#context = context;
    this.#options = options;
    this.keyboard = keyboard;
  }

  async run(pieces: AsyncIterable<Piece>): Promise<number> {
    const { io } = this.#context;
    using session = new Session(this.#context, this);
    using _interrupt = io.onInterrupt(() => {
      this.#isInterrupted = true;
      session.interrupt();
    });
    let failed: number = EXIT.done;
    for await (const { text, line } of pieces) {
      for (const command of await this.#read(text, line)) {
        const code = command === null
          ? EXIT.usage
          : await session.run(command.words);
        if (code !== EXIT.done && failed === EXIT.done) failed = code;
        if (this.#isInterrupted) return failed || EXIT.interrupted;
        if (session.isOver) return failed;
        if (code === EXIT.done) continue;
        this.say(
          `ush: line ${command?.line ?? line} failed with exit code ${code}${
            this.#options.keepGoing ? "" : "; the rest is left out"
          }`,
        );
        if (!this.#options.keepGoing) return failed;
      }
    }
    return failed;
  }

  say(text: string): void {
    this.#context.io.stderr.write(`${text}\n`);
  }

  lend(): void {
    this.#context.io.stdin.setRaw(false);
  }

  history(): null {
    return null;
  }

  /** The commands of a piece; null for what cannot be read, which is told. */
  async #read(
    text: string,
    line: number,
  ): Promise<readonly (ShellCommand | null)[]> {
    try {
      return readCommands(text, line);
    } catch (error) {
      await this.#context.report(this.#context.io, error);
      return [null];
    }
  }
}
