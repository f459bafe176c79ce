/**
 * `usher vm console`: a terminal on the serial line.
 *
 * The terminal is raw while the console is open, so every key reaches the
 * guest; `^]` alone is ours. It is put back whatever happens.
 *
 * @module
 */
import type { Api } from "../../api.ts";
import { type Context, defineCommand, parsed, toggle } from "../../command.ts";
import { EXIT } from "../../exit.ts";
import { readBytes, readDuration } from "../../quantity.ts";
import type { Io } from "../../io.ts";
import { type ConsoleOptions, GuestConsole } from "../../library/console.ts";
import { startWait } from "../../wait.ts";

const LEAVE = 0x1d; // Ctrl-]
/** Colours off, cursor on, mouse silent: what a guest may have left behind. */
const TIDY = "\x1b[0m\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l";
const DEFAULT_HISTORY = 64 * 1024;
const DEFAULT_LINGER_MS = 1_000;
/** So long nothing is said of what opening it waits for. */
const SAY_AFTER_MS = 1_000;

export const console = defineCommand({
  about:
    "Open a terminal on a VM's serial line; ^] leaves. What was printed before comes first. Without a terminal, standard input goes to the guest, and what the guest prints to standard output.",
  words: { usage: "NAME", min: 1, max: 1, completes: "vm" },
  flags: {
    history: parsed(
      "SIZE",
      "how much of what was printed before, 64K by default",
      readBytes,
    ),
    "no-input": toggle("only look"),
    timeout: parsed(
      "DUR",
      "give up when it has not opened after so long; 1m by default",
      readDuration,
    ),
    linger: parsed(
      "DUR",
      "after the end of piped input, leave once it was quiet so long; 1s by default",
      readDuration,
    ),
  },
  examples: [
    ["usher vm console web1", "^] leaves"],
    ["usher vm console web1 --no-input --history 1M", "only look"],
    ["echo uptime | usher vm console web1 --history 0", "in a script"],
  ],
  async run(context, { words: [name = ""], flags }) {
    const api = await context.api();
    using line = await opened(context, api, name, {
      historyBytes: flags.history ?? DEFAULT_HISTORY,
      timeoutMs: flags.timeout,
    });
    if (line === null) return EXIT.interrupted;
    using seat = new Seat(context.io, line, name, {
      input: !flags["no-input"],
      lingerMs: flags.linger ?? DEFAULT_LINGER_MS,
    });
    return await seat.run();
  },
});

/** Opens it, and says what that waits for where it takes long; null after an interrupt. */
async function opened(
  context: Context,
  api: Api,
  name: string,
  options: ConsoleOptions,
): Promise<GuestConsole | null> {
  using wait = startWait(context);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const say = (what: string) =>
    context.io.stderr.write(`the console of ${name} waits for ${what}\n`);
  try {
    return await GuestConsole.open(api, name, {
      ...options,
      signal: wait.signal,
      onWaiting: (what) => {
        clearTimeout(timer);
        timer = setTimeout(() => say(what), SAY_AFTER_MS);
      },
    });
  } catch (error) {
    if (!wait.signal.aborted) throw error;
    return null;
  } finally {
    clearTimeout(timer);
  }
}

interface SeatOptions {
  readonly input: boolean;
  readonly lingerMs: number;
}

/** A terminal, or standard input and output, at an open console. */
class Seat implements Disposable {
  readonly #io: Io;
  readonly #line: GuestConsole;
  readonly #name: string;
  readonly #options: SeatOptions;
  readonly #raw: boolean;
  readonly #done = Promise.withResolvers<number>();
  #linger: ReturnType<typeof setTimeout> | undefined;
  #inputEnded = false;
  #isRaw = false;
  #hasLeft = false;

  constructor(
    io: Io,
    line: GuestConsole,
    name: string,
    options: SeatOptions,
  ) {
    this.#io = io;
    this.#line = line;
    this.#name = name;
    this.#options = options;
    this.#raw = options.input && io.stdin.isTerminal;
  }

  async run(): Promise<number> {
    using _interrupt = this.#io.onInterrupt(() =>
      this.#done.resolve(EXIT.done)
    );
    if (this.#raw) {
      // Raw first: whoever reads that the console is open may type at once.
      this.#io.stdin.setRaw(true);
      this.#isRaw = true;
      this.#say(`console of ${this.#name}; ^] leaves`);
    }
    this.#show().then(this.#done.resolve, this.#done.reject);
    if (this.#options.input) this.#sendInput().catch(this.#done.reject);
    return await this.#done.promise;
  }

  [Symbol.dispose](): void {
    this.#hasLeft = true;
    clearTimeout(this.#linger);
    if (!this.#isRaw) return;
    this.#io.stdin.setRaw(false);
    if (this.#io.stdout.isTerminal) this.#io.stdout.write(TIDY);
  }

  /** The terminal is raw: a line break alone would leave the cursor there. */
  #say(text: string): void {
    this.#io.stderr.write(`${text}${this.#raw ? "\r" : ""}\n`);
  }

  /** Shows what the guest prints, to its end. */
  async #show(): Promise<number> {
    for await (const bytes of this.#line) {
      this.#io.stdout.write(bytes);
      if (this.#inputEnded) this.#rest();
    }
    if (this.#hasLeft) return EXIT.done;
    this.#say(`console closed: ${await this.#line.closed}`);
    return EXIT.done;
  }

  async #sendInput(): Promise<void> {
    for await (const chunk of this.#io.stdin.chunks()) {
      const leave = this.#raw ? chunk.indexOf(LEAVE) : -1;
      const bytes = leave < 0 ? chunk : chunk.subarray(0, leave);
      if (this.#line.isOver) return;
      if (bytes.length > 0) await this.#line.write(bytes);
      if (leave >= 0) {
        this.#say(`\r\nleft the console of ${this.#name}`);
        return this.#done.resolve(EXIT.done);
      }
    }
    this.#inputEnded = true;
    this.#rest();
  }

  /** After the end of piped input, silence is the end. */
  #rest(): void {
    clearTimeout(this.#linger);
    this.#linger = setTimeout(
      () => this.#done.resolve(EXIT.done),
      this.#options.lingerMs,
    );
  }
}
