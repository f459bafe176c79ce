/**
 * The shell on a terminal that can do nothing but print (`TERM=dumb`, output
 * into a pipe): the kernel edits the line, and what there is to say comes
 * before the next prompt.
 *
 * @module
 */
import { onTerminalSignal } from "../../sys/terminal_signal.ts";
import { EXIT } from "../exit.ts";
import type { Front, ShellContext } from "./front.ts";
import type { History } from "./history.ts";
import { PROMPT } from "./editor.ts";
import { Keyboard } from "./keyboard.ts";
import { LineReader } from "./line_reader.ts";
import { Session } from "./session.ts";
import { readCommands } from "./words.ts";

/** Runs the shell on a plain terminal until it is left; answers the exit code. */
export async function runPlain(
  context: ShellContext,
  openHistory: (say: (text: string) => void) => Promise<History>,
): Promise<number> {
  const front = new Plain(context);
  return await front.run(openHistory);
}

class Plain implements Front {
  readonly isAttended = true;
  readonly keyboard: Keyboard;
  readonly #context: ShellContext;
  readonly #session: Session;
  readonly #held: string[] = [];
  #history: History | null = null;
  #isAtPrompt = false;

  constructor(context: ShellContext) {
    this.#context = context;
    this.keyboard = new Keyboard(context.io.stdin);
    this.#session = new Session(context, this);
  }

  async run(
    openHistory: (say: (text: string) => void) => Promise<History>,
  ): Promise<number> {
    const { io } = this.#context;
    using session = this.#session;
    using _interrupt = io.onInterrupt(() => this.#interrupt());
    using _hangup = onTerminalSignal("SIGHUP", () => this.#end());
    using _term = onTerminalSignal("SIGTERM", () => this.#end());
    this.#history = await openHistory((text) => this.say(text));
    if (await session.attach() === null) {
      this.say("not connected: connect opens a connection");
    }
    const lines = new LineReader(this.keyboard);
    while (!session.isOver) {
      this.#prompt();
      const line = await lines.next();
      this.#isAtPrompt = false;
      if (line === null) break;
      await this.#history.add(line);
      await this.#runLine(line);
    }
    return EXIT.done;
  }

  say(text: string): void {
    this.#held.push(text);
  }

  lend(): void {
    this.#context.io.stdin.setRaw(false);
  }

  history(): readonly string[] {
    return this.#history?.lines ?? [];
  }

  async #runLine(line: string): Promise<void> {
    try {
      for (const { words } of readCommands(line)) {
        const code = await this.#session.run(words);
        if (code !== EXIT.done || this.#session.isOver) return;
      }
    } catch (error) {
      await this.#context.report(this.#context.io, error);
    }
  }

  #prompt(): void {
    const { stderr, stdout } = this.#context.io;
    const output = stdout.isTerminal ? stdout : stderr;
    for (const text of this.#held.splice(0)) output.write(`${text}\n`);
    output.write(PROMPT);
    this.#isAtPrompt = true;
  }

  #interrupt(): void {
    if (!this.#isAtPrompt) return this.#session.interrupt();
    // The kernel has thrown the line away.
    this.#context.io.stderr.write("\n");
    this.#prompt();
  }

  #end(): void {
    this.#session.isOver = true;
    this.#session.interrupt();
    this.keyboard.release();
  }
}
