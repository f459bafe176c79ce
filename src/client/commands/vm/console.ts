/**
 * `usher vm console`: a terminal on the serial line.
 *
 * The terminal is raw while the console is open, so every key reaches the
 * guest; `^]` alone is ours. It is put back whatever happens.
 *
 * @module
 */
import type { Problem } from "../../../schema/problem.ts";
import type { Api } from "../../api.ts";
import { defineCommand, parsed, toggle } from "../../command.ts";
import { EXIT } from "../../exit.ts";
import { failure, failureFrom } from "../../failure.ts";
import { readBytes, readDuration } from "../../quantity.ts";
import type { Io } from "../../io.ts";

const LEAVE = 0x1d; // Ctrl-]
/** Colours off, cursor on, mouse silent: what a guest may have left behind. */
const TIDY = "\x1b[0m\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l";
const DEFAULT_HISTORY = 64 * 1024;
const DEFAULT_LINGER_MS = 1_000;

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
    const socket = api.socket("console", {
      params: { name },
      query: { history: String(flags.history ?? DEFAULT_HISTORY) },
    });
    socket.binaryType = "arraybuffer";
    // It listens from the start: what comes right behind the opening would
    // find nobody otherwise.
    using line = new Line(context.io, socket, name, {
      input: !flags["no-input"],
      lingerMs: flags.linger ?? DEFAULT_LINGER_MS,
    });
    await opened(api, socket, name);
    return await line.run();
  },
});

/** Resolves when the socket is open; throws why it was refused. */
async function opened(
  api: Api,
  socket: WebSocket,
  name: string,
): Promise<void> {
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.addEventListener("open", () => resolve(true), { once: true });
    socket.addEventListener("error", () => resolve(false), { once: true });
  });
  if (isOpen) return;
  // A refused WebSocket does not say why; the same question without one does.
  await api.call("console", { params: { name } });
  throw await failure("interrupted", `Cannot open the console of "${name}"`);
}

interface LineOptions {
  readonly input: boolean;
  readonly lingerMs: number;
}

/** One open console, from here to the guest. */
class Line implements Disposable {
  readonly #io: Io;
  readonly #socket: WebSocket;
  readonly #name: string;
  readonly #options: LineOptions;
  readonly #raw: boolean;
  readonly #done = Promise.withResolvers<number>();
  #linger: ReturnType<typeof setTimeout> | undefined;
  #inputEnded = false;
  /** The connection stands. */
  #isOpen = false;
  /** The guest's line stands too. */
  #opened = false;
  #isRaw = false;

  constructor(io: Io, socket: WebSocket, name: string, options: LineOptions) {
    this.#io = io;
    this.#socket = socket;
    this.#name = name;
    this.#options = options;
    this.#raw = options.input && io.stdin.isTerminal;
    // What ends it before it runs is told by run().
    this.#done.promise.catch(() => {});
    socket.addEventListener("open", () => this.#isOpen = true);
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    socket.addEventListener("close", () => this.#closed());
    socket.addEventListener("error", () => this.#closed());
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
    if (this.#options.input) {
      this.#sendInput().catch((error) => this.#done.reject(error));
    }
    return await this.#done.promise;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#linger);
    if (this.#isRaw) {
      this.#io.stdin.setRaw(false);
      if (this.#io.stdout.isTerminal) this.#io.stdout.write(TIDY);
    }
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(1000);
  }

  /** The terminal is raw: a line break alone would leave the cursor there. */
  #say(text: string): void {
    this.#io.stderr.write(`${text}${this.#raw ? "\r" : ""}\n`);
  }

  async #sendInput(): Promise<void> {
    for await (const chunk of this.#io.stdin.chunks()) {
      const leave = this.#raw ? chunk.indexOf(LEAVE) : -1;
      const bytes = leave < 0 ? chunk : chunk.subarray(0, leave);
      if (this.#socket.readyState !== WebSocket.OPEN) return;
      if (bytes.length > 0) this.#socket.send(bytes as Uint8Array<ArrayBuffer>);
      if (leave >= 0) {
        this.#say(`\r\nleft the console of ${this.#name}`);
        return this.#done.resolve(EXIT.done);
      }
    }
    this.#inputEnded = true;
    if (this.#opened) this.#rest();
  }

  #receive(data: unknown): void {
    if (data instanceof ArrayBuffer) {
      try {
        this.#io.stdout.write(new Uint8Array(data));
      } catch (error) {
        this.#done.reject(error);
      }
      if (this.#inputEnded) this.#rest();
    } else if (typeof data === "string") {
      this.#control(data);
    }
  }

  /** After the end of piped input, silence is the end. */
  #rest(): void {
    clearTimeout(this.#linger);
    this.#linger = setTimeout(
      () => this.#done.resolve(EXIT.done),
      this.#options.lingerMs,
    );
  }

  #control(text: string): void {
    const message: { type: string; reason?: string; problem?: Problem } = JSON
      .parse(text);
    if (message.type === "opened") {
      this.#opened = true;
      if (this.#inputEnded) this.#rest();
    } else if (message.type === "problem" && message.problem !== undefined) {
      failureFrom(message.problem).then(this.#done.reject);
    } else if (message.type === "closed") {
      this.#say(`console closed: ${message.reason ?? "no reason given"}`);
      this.#done.resolve(EXIT.done);
    }
  }

  #closed(): void {
    if (!this.#isOpen) return;
    failure("interrupted", `Lost the console of "${this.#name}"`, {
      hint: `open it again: usher vm console ${this.#name}`,
    }).then(this.#done.reject);
  }
}
