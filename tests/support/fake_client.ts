/**
 * A client without a machine: a terminal that remembers, and a controller that
 * is a function.
 *
 * @module
 */
import type { Io, Output } from "../../src/client/io.ts";
import { runClient } from "../../src/client/main.ts";
import type { HttpClient } from "../../src/client/platform.ts";
import { compareNaturally } from "../../src/schema/natural_order.ts";
import type { ErrorCode } from "../../src/schema/problem.ts";
import { toProblem, UsherError } from "../../src/error/mod.ts";
import type { ErrorDetails } from "../../src/error/mod.ts";

/** How a fake terminal is set up. */
export interface FakeIoOptions {
  readonly terminal?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** What standard input holds; of several, what is typed at one question after another. */
  readonly input?: string | readonly string[];
  readonly now?: number;
}

/** A terminal that keeps what was written. */
export class FakeIo implements Io {
  out = "";
  err = "";
  /** Every change of the terminal to raw and back. */
  readonly raw: boolean[] = [];
  readonly #options: FakeIoOptions;
  #questions = 0;
  readonly #interrupts = new Set<() => void>();

  constructor(options: FakeIoOptions = {}) {
    this.#options = options;
  }

  get stdout(): Output {
    return this.#output((text) => this.out += text);
  }

  get stderr(): Output {
    return this.#output((text) => this.err += text);
  }

  #output(keep: (text: string) => void): Output {
    const { terminal = false, columns = 80, rows = 24 } = this.#options;
    return {
      isTerminal: terminal,
      columns: () => columns,
      rows: () => rows,
      write: (data) =>
        keep(typeof data === "string" ? data : new TextDecoder().decode(data)),
    };
  }

  get stdin(): Io["stdin"] {
    const { terminal = false, input = "" } = this.#options;
    const typed = () =>
      typeof input === "string" ? input : input[this.#questions++] ?? "";
    return {
      isTerminal: terminal,
      setRaw: (raw) => this.raw.push(raw),
      async *chunks() {
        const text = typed();
        if (text !== "") {
          yield await Promise.resolve(new TextEncoder().encode(text));
        }
      },
    };
  }

  env(name: string): string | undefined {
    return this.#options.env?.[name];
  }

  now(): number {
    return this.#options.now ?? Date.parse("2026-11-22T12:00:00.000Z");
  }

  onInterrupt(handler: () => void): Disposable {
    this.#interrupts.add(handler);
    return { [Symbol.dispose]: () => void this.#interrupts.delete(handler) };
  }

  /** How many listen for Ctrl-C. */
  get listeners(): number {
    return this.#interrupts.size;
  }

  /** Presses Ctrl-C. */
  interrupt(): void {
    for (const handler of this.#interrupts) handler();
  }
}

/** A request that the fake controller got. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly token: string | null;
  readonly signal: AbortSignal | null;
}

/** Answers a request. */
export type FakeController = (asked: Asked) => Response | Promise<Response>;

/** What a command came to. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const CREDENTIALS = {
  v: 1,
  current: "https://ctrl:8440",
  sessions: {
    "https://ctrl:8440": {
      controller: "https://ctrl:8440",
      user: "ann",
      token: "t0ken",
      expiresAt: "2030-01-01T00:00:00.000Z",
    },
  },
};

/** Runs `usher ARGV` against `controller`, logged in. */
export async function usher(
  argv: readonly string[],
  controller: FakeController = () => answer({}),
  io: FakeIo | FakeIoOptions = {},
  openSocket?: HttpClient["openSocket"],
  tools?: Parameters<typeof runClient>[3],
): Promise<Ran> {
  const home = await Deno.makeTempDir();
  await Deno.mkdir(`${home}/.usher`);
  await Deno.writeTextFile(
    `${home}/.usher/credentials.json`,
    JSON.stringify(CREDENTIALS),
    { mode: 0o600 },
  );
  const fake = io instanceof FakeIo ? io : new FakeIo(io);
  const env = fake.env.bind(fake);
  fake.env = (name) => name === "HOME" ? home : env(name);
  try {
    const code = await runClient(argv, fake, () => ({
      ...clientOf(controller),
      ...(openSocket === undefined ? {} : { openSocket }),
    }), tools);
    return { code, out: fake.out, err: fake.err };
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

/** Connections that end in a function. */
export function clientOf(controller: FakeController): HttpClient {
  return {
    async fetch(url, init) {
      const { pathname, searchParams } = new URL(url);
      return await controller({
        method: init.method ?? "GET",
        path: pathname,
        query: searchParams,
        body: typeof init.body === "string" ? JSON.parse(init.body) : null,
        token: new Headers(init.headers).get("authorization"),
        signal: init.signal ?? null,
      });
    },
    openSocket() {
      throw new Error("The fake controller has no sockets");
    },
    [Symbol.dispose]() {},
  };
}

/** An answer in JSON. */
export function answer(value: unknown): Response {
  return new Response(JSON.stringify(value));
}

/** A list of VMs, whole or one a line, in the order that the controller keeps. */
export function listed(
  vms: readonly { readonly name: string }[],
): FakeController {
  return ({ query }) =>
    query.get("stream") === "1"
      ? lines(vms.toSorted((a, b) => compareNaturally(a.name, b.name)))
      : answer({ revision: 1, vms, operations: [] });
}

/** A stream of lines; `open` leaves it open at the end, `cut` breaks it. */
export function lines(
  values: readonly unknown[],
  end: "close" | "open" | "cut" = "close",
): Response {
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const value of values) {
        controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`));
      }
      if (end === "close") controller.close();
    },
    pull(controller) {
      // Broken only once all that came before has been read.
      if (end === "cut") controller.error(new TypeError("connection reset"));
    },
  }, { highWaterMark: 0 });
  return new Response(stream);
}

/** A refusal. */
export function refusal(
  code: ErrorCode,
  message: string,
  details: ErrorDetails = {},
): Response {
  const problem = toProblem(new UsherError(code, message, details));
  return new Response(JSON.stringify(problem), { status: problem.status });
}

/** A time 42 seconds before what the fake clock says. */
export const THEN = "2026-11-22T11:59:18.000Z";

/** A VM of ann in her default cluster. */
export function vm(
  name: string,
  state = "running",
  node: string | null = "n1",
) {
  return {
    v: 1,
    uid: "01j9z6k3v0aaaaaaaaaaaaaaaa",
    name: `${name}.default.ann`,
    generation: 1,
    spec: { vcpus: 2, memoryMiB: 512, driver: "sim", disks: [], nics: [] },
    status: { state, reason: "", since: THEN, incarnation: null },
    node,
    args: {},
    createdAt: THEN,
    revision: 1,
    usage: null,
    holder: null,
  };
}

/** What became of one VM of a request. */
export function outcome(name: string, state: string, more: object = {}) {
  return {
    vm: `${name}.default.ann`,
    uid: null,
    operation: `op-${name}`,
    state,
    changed: true,
    step: state === "running" ? "start" : null,
    node: "n1",
    vmState: state === "succeeded" ? "running" : null,
    problem: null,
    ...more,
  };
}

/** A result with these outcomes. */
export function result(outcomes: object[]) {
  return { request: "r", verb: "start", done: true, outcomes };
}

/** A body that an abort breaks, as fetch does it. */
export function withAbort(
  response: Response,
  signal: AbortSignal | null,
): Response {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  signal?.addEventListener(
    "abort",
    () => void writer.abort(signal.reason).catch(() => {}),
  );
  const pump = async () => {
    for await (const chunk of response.body ?? []) await writer.write(chunk);
  };
  pump().catch(() => {});
  return new Response(readable);
}
