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
import {
  encodeFrame,
  type Frame,
  type FrameParts,
  FrameReader,
  PREFIX_BYTES,
  sealOf,
  type TimedCall,
} from "./process/frame.ts";
import {
  BODY_ROOM,
  FROM_HOST,
  type HostSign,
  type Invitation,
  TO_HOST,
  type WorkerSpec,
} from "./process/protocol.ts";

/** How often deadlines are looked at. */
const LOOK_MS = 50;
/** How long a worker may leave a question of life unanswered, once a call is late. */
const LIFE_MS = 1000;
/** What a worker may have said that the controller has not taken yet. */
const MAX_BEHIND = 64 * 1024 * 1024;
const MAX_INVITATION = 10_000;
/** From the controller: a value may hold a whole site. */
const BOUNDS = { calls: 2 ** 32, body: 1024 * 1024 * 1024 };

const decoder = new TextDecoder();

/** The way to the controller. */
interface Told {
  /** As bytes, and how many of them are its body. */
  encode(
    parts: FrameParts,
  ): { readonly bytes: Uint8Array; readonly body: number };
  /** Resolves once it is written. */
  tell(bytes: Uint8Array): Promise<void>;
}

/** One worker, and the calls that it has. */
class HostedWorker {
  readonly #number: number;
  readonly #maxBody: number;
  readonly #told: Told;
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

  constructor(number: number, spec: WorkerSpec, told: Told) {
    this.#number = number;
    this.#maxBody = spec.maxBytes + BODY_ROOM;
    this.#told = told;
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
    calls: readonly TimedCall[],
    body: Uint8Array,
  ): void {
    if (this.#hasEnded) return;
    const now = performance.now();
    for (const [id, ms] of calls) this.#calls.set(id, now + ms);
    this.#post(decoder.decode(body));
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
    this.#say({ kind: FROM_HOST.down, text: why.slice(0, 5000) });
  }

  #post(sign: HostSign): void {
    this.#worker.postMessage(sign);
  }

  #say(parts: Omit<FrameParts, "number">): void {
    const { bytes } = this.#told.encode({ ...parts, number: this.#number });
    void this.#told.tell(bytes);
  }

  /** `data` may be anything. */
  #hear(data: unknown): void {
    if (this.#hasEnded) return;
    if (typeof data === "string") return this.#hearBody(data);
    if (typeof data !== "object" || data === null) {
      return this.#fail("it posted what is no message");
    }
    const { pong, up } = data as Record<string, unknown>;
    if (pong !== undefined) this.#hearPong(pong);
    else if (
      typeof up === "string" && up.length <= this.#maxBody && !this.#isUp
    ) {
      this.#isUp = true;
      this.#say({ kind: FROM_HOST.up, text: up });
    } else this.#fail("it posted what is no message");
  }

  /** A body, behind the calls that it ends. */
  #hearBody(data: string): void {
    const bar = data.indexOf("|");
    // No character is less than a byte.
    if (data.length - bar > this.#maxBody) return this.#failTalking();
    const { bytes, body } = this.#told.encode({
      kind: FROM_HOST.body,
      number: this.#number,
      text: data.slice(bar + 1),
    });
    this.#behind += body;
    if (body > this.#maxBody || this.#behind > MAX_BEHIND) {
      return this.#failTalking();
    }
    for (const id of data.slice(0, Math.max(0, bar)).split(",")) {
      this.#calls.delete(Number(id));
    }
    void this.#told.tell(bytes).then(() => void (this.#behind -= body));
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
    this.#say({ kind: FROM_HOST.late, calls: calls.map((id) => [id, 0]) });
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
class Host implements Told {
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
    const reader = new FrameReader(BOUNDS);
    const buffer = new Uint8Array(256 * 1024);
    for (;;) {
      const count = await this.#connection.read(buffer);
      if (count === null) return;
      reader.push(buffer.subarray(0, count), (frame) => this.#hear(frame));
    }
  }

  #hear({ kind, number, calls, body }: Frame): void {
    switch (kind) {
      case TO_HOST.start:
        return this.#start(number, JSON.parse(decoder.decode(body)));
      case TO_HOST.body:
        return this.#workers.get(number)?.take(calls, body);
      case TO_HOST.stop:
        this.#workers.get(number)?.end();
        this.#workers.delete(number);
        return;
      case TO_HOST.ping:
        return this.#say({ kind: FROM_HOST.pong, number });
    }
  }

  #start(number: number, spec: WorkerSpec): void {
    this.#workers.get(number)?.end();
    try {
      this.#workers.set(number, new HostedWorker(number, spec, this));
    } catch (error) {
      const text = messageOf(error).slice(0, 5000);
      this.#say({ kind: FROM_HOST.down, number, text });
    }
  }

  #say(parts: FrameParts): void {
    void this.tell(this.encode(parts).bytes);
  }

  encode(parts: FrameParts) {
    const bytes = encodeFrame(parts, this.#seal);
    const head = this.#seal.length + PREFIX_BYTES;
    return { bytes, body: bytes.length - head };
  }

  /** One frame after another. */
  tell(bytes: Uint8Array): Promise<void> {
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
