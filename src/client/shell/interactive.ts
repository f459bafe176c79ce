/**
 * The shell on a terminal: prompt, keys, completion, and what is said while a
 * line is being typed.
 *
 * The prompt comes first; history, connection and copies come while the person
 * looks at it. What there is to say during a command waits for its end, since
 * the terminal is the command's.
 *
 * @module
 */
import { onTerminalSignal, stopSelf } from "../../sys/terminal_signal.ts";
import { EXIT } from "../exit.ts";
import type { Front, ShellContext } from "./front.ts";
import { completeLine, inColumns } from "./completion.ts";
import { Editor, type Effect, PROMPT } from "./editor.ts";
import { filesThatBegin } from "./files.ts";
import type { History } from "./history.ts";
import { Keyboard } from "./keyboard.ts";
import { KeyReader } from "./keys.ts";
import { Screen } from "./screen.ts";
import { Session } from "./session.ts";
import { modeKeeping } from "./terminal.ts";
import { readCommands } from "./words.ts";

/** Bracketed paste: what is pasted comes as one key. */
const PASTE_ON = "\x1b[?2004h";
const PASTE_OFF = "\x1b[?2004l";

/** Runs the shell on a terminal until it is left; answers the exit code. */
export async function runInteractive(
  context: ShellContext,
  openHistory: (say: (text: string) => void) => Promise<History>,
): Promise<number> {
  const { io, again } = modeKeeping(context.io);
  const shell = new Interactive({ ...context, io }, again);
  try {
    return await shell.run(openHistory);
  } finally {
    shell[Symbol.dispose]();
  }
}

class Interactive implements Front, Disposable {
  readonly isAttended = true;
  readonly keyboard: Keyboard;
  readonly #context: ShellContext;
  readonly #session: Session;
  readonly #editor = new Editor(PROMPT);
  readonly #keys = new KeyReader();
  readonly #screen: Screen;
  readonly #listeners: DisposableStack = new DisposableStack();
  #history: History | null = null;
  #isAtPrompt = false;
  /** Said during a command. */
  readonly #held: string[] = [];
  /** Whether the last key was a Tab that offered a choice. */
  #hasOffered = false;
  /** A signal has ended the shell. */
  #endedBy: number | null = null;

  constructor(context: ShellContext, again: () => void) {
    const { io } = context;
    this.#context = context;
    this.keyboard = new Keyboard(io.stdin);
    this.#screen = new Screen(io.stdout);
    this.#session = new Session(context, this);
    this.#listen(again);
  }

  async run(
    openHistory: (say: (text: string) => void) => Promise<History>,
  ): Promise<number> {
    this.#prompt();
    this.#history = await openHistory((text) => this.say(text));
    this.#editor.begin(this.#history.lines);
    this.#connect().catch((error) =>
      this.say(error instanceof Error ? error.message : String(error))
    );
    while (!this.#session.isOver && this.#endedBy === null) {
      const line = await this.#readLine();
      if (line === null) break;
      await this.#history.add(line);
      await this.#runLine(line);
    }
    return this.#endedBy ?? EXIT.done;
  }

  say(text: string): void {
    if (!this.#isAtPrompt) this.#held.push(text);
    else this.#screen.above(`${text}\n`, this.#editor.view());
  }

  lend(): void {
    this.#context.io.stdin.setRaw(true, true);
  }

  history(): readonly string[] {
    return this.#history?.lines ?? [];
  }

  [Symbol.dispose](): void {
    this.#listeners.dispose();
    this.#session[Symbol.dispose]();
    this.#leavePrompt();
    this.#context.io.stdin.setRaw(false);
  }

  #listen(again: () => void): void {
    const { io } = this.#context;
    const use = this.#listeners;
    use.use(io.onInterrupt(() => this.#session.interrupt()));
    use.use(onTerminalSignal("SIGWINCH", () => this.#draw()));
    use.use(onTerminalSignal("SIGCONT", () => {
      again();
      this.#draw();
    }));
    for (const [signal, number] of ENDINGS) {
      use.use(onTerminalSignal(signal, () => this.#end(128 + number)));
    }
  }

  #end(code: number): void {
    this.#endedBy ??= code;
    this.#session.interrupt();
    this.keyboard.release();
  }

  async #connect(): Promise<void> {
    const live = await this.#session.attach();
    if (live === null) {
      return this.say(
        "not connected: connect opens a connection, help shows the commands",
      );
    }
    if (await live.settled !== "connected") return;
    const { controller } = await this.#session.settings();
    this.say(`connected to ${controller} as ${this.#session.user}`);
  }

  #prompt(): void {
    const { io } = this.#context;
    io.stdin.setRaw(true);
    io.stdout.write(PASTE_ON);
    for (const text of this.#held.splice(0)) io.stdout.write(`${text}\r\n`);
    this.#editor.begin(this.history());
    this.#isAtPrompt = true;
    this.#draw();
  }

  #draw(): void {
    if (this.#isAtPrompt) this.#screen.draw(this.#editor.view());
  }

  #leavePrompt(): void {
    if (!this.#isAtPrompt) return;
    this.#isAtPrompt = false;
    this.#screen.leave();
    this.#context.io.stdout.write(PASTE_OFF);
  }

  /** The next line that is entered; null when the person is done. */
  async #readLine(): Promise<string | null> {
    if (!this.#isAtPrompt) this.#prompt();
    while (this.#endedBy === null) {
      for (let key = this.#keys.next(); key !== null; key = this.#keys.next()) {
        const effect = this.#editor.press(key);
        if (effect !== "complete") this.#hasOffered = false;
        if (effect === "submit") return this.#submit();
        if (effect === "end") return null;
        await this.#effect(effect);
      }
      this.#draw();
      const chunk = await this.keyboard.next();
      if (chunk === null && this.keyboard.isClosed) return null;
      if (chunk !== null) this.#keys.add(chunk);
    }
    return null;
  }

  #submit(): string {
    const { text } = this.#editor;
    this.#draw();
    this.#leavePrompt();
    this.keyboard.putBack(this.#keys.rest());
    return text;
  }

  async #effect(effect: Effect): Promise<void> {
    switch (effect) {
      case "cancel":
        this.#draw();
        this.#leavePrompt();
        return this.#prompt();
      case "clear":
        return this.#screen.clear();
      case "bell":
        return this.#context.io.stdout.write("\x07");
      case "complete":
        return await this.#complete();
      case "suspend":
        return this.#suspend();
    }
  }

  #suspend(): void {
    const { io } = this.#context;
    this.#draw();
    this.#screen.leave();
    io.stdout.write(PASTE_OFF);
    io.stdin.setRaw(false);
    stopSelf();
    io.stdin.setRaw(true);
    io.stdout.write(PASTE_ON);
  }

  /** Completes; where there is a choice, the second Tab in a row shows it. */
  async #complete(): Promise<void> {
    const { io } = this.#context;
    const found = await completeLine(this.#editor.before, {
      own: this.#session.own,
      names: (kind) => this.#session.names(kind),
      files: (start) => filesThatBegin(start, io.env("HOME")),
    }).catch(() => null);
    if (found === null) return io.stdout.write("\x07");
    const typed = this.#editor.before;
    this.#editor.completeWith(found.length, found.text);
    const isSame = this.#editor.before === typed;
    if (!isSame || found.choices.length === 0) return;
    if (this.#hasOffered) {
      const { stdout } = io;
      this.#screen.above(
        inColumns(found.choices, stdout.columns(), stdout.rows() - 2),
        this.#editor.view(),
      );
    } else io.stdout.write("\x07");
    this.#hasOffered = !this.#hasOffered;
  }

  async #runLine(line: string): Promise<void> {
    const session = this.#session;
    this.lend();
    let commands;
    try {
      commands = readCommands(line);
    } catch (error) {
      await this.#context.report(this.#context.io, error);
      return;
    }
    for (const { words } of commands) {
      const code = await session.run(words);
      // Several on a line are one thing to a person.
      if (code !== EXIT.done || session.isOver) return;
    }
  }
}

const ENDINGS = [["SIGHUP", 1], ["SIGQUIT", 3], ["SIGTERM", 15]] as const;
