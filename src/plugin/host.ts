/**
 * The process of a plugin (`usher plugin-host`): it starts workers as it is
 * told, hands on what is said between them and the controller, and ends what
 * takes too long.
 *
 * It believes nothing that a worker posts, and ends itself as soon as its
 * controller is gone.
 *
 * @module
 */
import { messageOf } from "../error/mod.ts";
import { type ByteConnection, connectUnix } from "../sys/unix_socket.ts";
import { VERSION } from "../version.ts";
import { encodeFrame, FrameReader, sealOf } from "./process/frame.ts";
import {
  BODY_ROOM,
  type FromHost,
  type HostSign,
  type Invitation,
  MAX_HEAD,
  type ToHost,
  type WorkerSpec,
} from "./process/protocol.ts";

/** How often deadlines are looked at. */
const LOOK_MS = 50;
/** How long a worker may leave a question of life unanswered, once a call is late. */
const LIFE_MS = 1000;
/** What a worker may have said that the controller has not taken yet. */
const MAX_BEHIND = 64 * 1024 * 1024;
const MAX_INVITATION = 10_000;
/** The largest body from the controller: a value may hold a whole site. */
const MAX_BODY = 1024 * 1024 * 1024;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

type Tell = (head: FromHost, body?: Uint8Array) => Promise<void>;

/** One worker, and the calls that it has. */
class HostedWorker {
  readonly #number: number;
  readonly #maxBody: number;
  readonly #tell: Tell;
  readonly #worker: Worker;
  /** Until when, by call. */
  readonly #calls = new Map<number, number>();
  #behind = 0;
  #isUp = false;
  #hasEnded = false;
  #look: ReturnType<typeof setTimeout> | undefined;
  #life:
    | { readonly id: number; readonly timer: ReturnType<typeof setTimeout> }
    | undefined;

  constructor(number: number, spec: WorkerSpec, tell: Tell) {
    this.#number = number;
    this.#maxBody = spec.maxBytes + BODY_ROOM;
    this.#tell = tell;
    // A file of its own in the executable; see scripts/compile.ts.
    const entry = Deno.build.standalone ? "./guest.js" : "./guest.ts";
    this.#worker = new Worker(new URL(entry, import.meta.url), {
      type: "module",
      name: `plugin-${number}`,
      // A list and `false` are what Deno takes; the types here are readonly.
      deno: { permissions: spec.permissions as Deno.PermissionOptionsObject },
    });
    this.#worker.addEventListener("message", ({ data }) => this.#hear(data));
    this.#worker.addEventListener(
      "messageerror",
      () => this.#fail("it posted what cannot be read"),
    );
    this.#worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#fail(event.message);
    });
    this.#post({ start: spec });
  }

  take(
    calls: readonly (readonly [number, number])[],
    body: Uint8Array<ArrayBuffer>,
  ): void {
    if (this.#hasEnded) return;
    const now = performance.now();
    for (const [id, ms] of calls) this.#calls.set(id, now + ms);
    this.#post({ body: decoder.decode(body) });
    this.#lookLater();
  }

  end(): void {
    this.#hasEnded = true;
    clearTimeout(this.#look);
    clearTimeout(this.#life?.timer);
    this.#worker.terminate();
  }

  #fail(why: string): void {
    if (this.#hasEnded) return;
    this.end();
    const worker = this.#number;
    void this.#tell({ type: "down", worker, why: why.slice(0, 5000) });
  }

  #post(sign: HostSign): void {
    this.#worker.postMessage(sign);
  }

  /** `data` may be anything. */
  #hear(data: unknown): void {
    if (this.#hasEnded) return;
    if (typeof data !== "object" || data === null) {
      return this.#fail("it posted what is no message");
    }
    const { pong, up, done, body } = data as Record<string, unknown>;
    if (pong !== undefined) this.#hearPong(pong);
    else if (
      typeof up === "string" && up.length <= this.#maxBody && !this.#isUp
    ) {
      this.#isUp = true;
      void this.#tell({ type: "up", worker: this.#number, report: up });
    } else if (typeof body === "string" && Array.isArray(done)) {
      this.#hearBody(done, body);
    } else this.#fail("it posted what is no message");
  }

  #hearBody(done: readonly unknown[], text: string): void {
    // No character is less than a byte.
    if (text.length > this.#maxBody) return this.#failTalking();
    const body = encoder.encode(text);
    this.#behind += body.length;
    if (body.length > this.#maxBody || this.#behind > MAX_BEHIND) {
      return this.#failTalking();
    }
    for (const id of done) this.#calls.delete(id as number);
    const said = this.#tell({ type: "from", worker: this.#number }, body);
    void said.then(() => void (this.#behind -= body.length));
  }

  #failTalking(): void {
    this.#fail("it says more than can be taken");
  }

  #lookLater(): void {
    if (this.#look !== undefined || this.#calls.size === 0) return;
    this.#look = setTimeout(() => {
      this.#look = undefined;
      this.#findLate();
      if (!this.#hasEnded) this.#lookLater();
    }, LOOK_MS);
  }

  #findLate(): void {
    const now = performance.now();
    const calls = [...this.#calls].filter(([, until]) => until <= now)
      .map(([id]) => id);
    if (calls.length === 0) return;
    for (const id of calls) this.#calls.delete(id);
    void this.#tell({ type: "late", worker: this.#number, calls });
    this.#askForLife();
  }

  /** A handler that waits is late; a worker that does not yield is lost. */
  #askForLife(): void {
    if (this.#life !== undefined) return;
    const [id = 0] = crypto.getRandomValues(new Uint32Array(1));
    const timer = setTimeout(
      () => this.#fail("a handler of it does not yield"),
      LIFE_MS,
    );
    this.#life = { id, timer };
    this.#post({ ping: id });
  }

  #hearPong(id: unknown): void {
    if (this.#life?.id !== id) return;
    clearTimeout(this.#life?.timer);
    this.#life = undefined;
  }
}

/** All workers of the process, and their way to the controller. */
class Host {
  readonly #connection: ByteConnection;
  readonly #seal: Uint8Array;
  readonly #workers = new Map<number, HostedWorker>();
  #out: Promise<void> = Promise.resolve();

  constructor(connection: ByteConnection, seal: Uint8Array) {
    this.#connection = connection;
    this.#seal = seal;
  }

  /** Serves until the controller is gone. */
  async run(): Promise<void> {
    const reader = new FrameReader({ head: MAX_HEAD, body: MAX_BODY });
    const buffer = new Uint8Array(256 * 1024);
    for (;;) {
      const count = await this.#connection.read(buffer);
      if (count === null) return;
      for (const { head, body } of reader.push(buffer.slice(0, count))) {
        this.#hear(head as ToHost, body);
      }
    }
  }

  #hear(head: ToHost, body: Uint8Array<ArrayBuffer>): void {
    switch (head.type) {
      case "start":
        return this.#start(head.worker, head.spec);
      case "to":
        return this.#workers.get(head.worker)?.take(head.calls, body);
      case "stop":
        this.#workers.get(head.worker)?.end();
        this.#workers.delete(head.worker);
        return;
      case "ping":
        return void this.#tell({ type: "pong", id: head.id });
    }
  }

  #start(number: number, spec: WorkerSpec): void {
    this.#workers.get(number)?.end();
    try {
      this.#workers.set(
        number,
        new HostedWorker(number, spec, (head, body) => this.#tell(head, body)),
      );
    } catch (error) {
      const why = messageOf(error);
      void this.#tell({ type: "down", worker: number, why });
    }
  }

  /** Resolves once it is written. One frame after another. */
  #tell(head: FromHost, body?: Uint8Array): Promise<void> {
    const bytes = encodeFrame(head, body, this.#seal);
    return this.#out = this.#out
      .then(() => this.#connection.writeAll(bytes))
      .catch(() => Deno.exit(0)); // the controller is gone
  }
}

/** Runs the process of plugins; answers its exit code once its controller is gone. */
export async function runHost(): Promise<number> {
  endLast();
  const invitation = await readInvitation();
  if (invitation === null) {
    console.error("usher plugin-host is started by the controller alone");
    return 64;
  }
  const { socket, secret, version } = invitation;
  if (version !== VERSION) {
    console.error(
      `The controller is usher ${version}, and its program is ${VERSION} now: restart it`,
    );
    return 69;
  }
  const connection = await connectUnix(socket);
  await connection.writeAll(new TextEncoder().encode(`${secret}\n`));
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    console.error(`Unhandled: ${messageOf(event.reason)}`);
  });
  await new Host(connection, sealOf(secret)).run().catch(() => {});
  return 0;
}

/** A terminal's signals go to all of its processes: the controller decides when this one ends. */
function endLast(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => {});
  }
  try {
    // When memory runs out, plugins go before anything else of usher.
    Deno.writeTextFileSync("/proc/self/oom_score_adj", "1000");
  } catch {
    // Then it is as likely as any other.
  }
}

/** The one line on standard input; null when it is none. */
async function readInvitation(): Promise<Invitation | null> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of Deno.stdin.readable) {
    text += decoder.decode(chunk, { stream: true });
    const end = text.indexOf("\n");
    if (end >= 0) return parseOrNull(text.slice(0, end));
    if (text.length > MAX_INVITATION) return null;
  }
  return null;
}

function parseOrNull(text: string): Invitation | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
