/**
 * The process of a plugin (`usher plugin-host`): it starts workers as it is
 * told, and ends those that do not yield once a call of theirs is late. What they
 * say to the controller goes past it (docs/decisions/0113).
 *
 * It believes nothing that a worker posts, and ends itself as soon as its
 * controller is gone.
 *
 * @module
 */
import { messageOf } from "../error/mod.ts";
import { connectUnix } from "../sys/unix_socket.ts";
import { VERSION } from "../version.ts";
import { type Frame, type FrameParts, sealOf } from "./process/frame.ts";
import { FrameLine } from "./process/frame_line.ts";
import { lend } from "./process/lent.ts";
import {
  BODY_ROOM,
  FROM_HOST,
  type HostSign,
  type Invitation,
  type Lent,
  TO_HOST,
  type WorkerStart,
} from "./process/protocol.ts";

/** How long a worker may leave a question of life unanswered, once a call is late. */
const LIFE_MS = 1000;
const MAX_INVITATION = 10_000;
/** What a worker is started with: its options among it. */
const MAX_START = 64 * 1024 * 1024;

const decoder = new TextDecoder();

/** One worker. */
class HostedWorker {
  readonly #maxReport: number;
  readonly #say: (parts: Omit<FrameParts, "number">) => void;
  readonly #worker: Worker;
  #isUp = false;
  #hasEnded = false;
  #life:
    | { readonly id: number; readonly timer: ReturnType<typeof setTimeout> }
    | undefined;

  constructor(
    number: number,
    start: WorkerStart,
    say: (parts: Omit<FrameParts, "number">) => void,
  ) {
    this.#maxReport = start.spec.maxBytes + BODY_ROOM;
    this.#say = say;
    const { worker, lent } = startWorker(`plugin-${number}`, start);
    this.#worker = worker;
    this.#worker.addEventListener("message", ({ data }) => this.#hear(data));
    this.#worker.addEventListener(
      "messageerror",
      () => this.#fail("it posted what cannot be read"),
    );
    this.#worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#fail(event.message);
    });
    this.#post({ start, lent });
  }

  end(): void {
    this.#hasEnded = true;
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

  /** `data` may be anything. */
  #hear(data: unknown): void {
    if (this.#hasEnded) return;
    if (typeof data !== "object" || data === null) {
      return this.#fail("it posted what is no message");
    }
    const { pong, up } = data as Record<string, unknown>;
    if (pong !== undefined) this.#hearPong(pong);
    else if (
      typeof up === "string" && up.length <= this.#maxReport && !this.#isUp
    ) {
      this.#isUp = true;
      this.#say({ kind: FROM_HOST.up, text: up });
    } else this.#fail("it posted what is no message");
  }

  /** A handler that waits is late; a worker that does not yield is lost. */
  doubt(): void {
    if (this.#hasEnded || this.#life !== undefined) return;
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

/** All workers of the process. */
class Host {
  readonly #line: FrameLine;
  readonly #workers = new Map<number, HostedWorker>();

  constructor(line: FrameLine) {
    this.#line = line;
  }

  /** Serves until the controller is gone. */
  run(): Promise<void> {
    return this.#line.read((frame) => this.#hear(frame));
  }

  #hear({ kind, number, body }: Frame): void {
    switch (kind) {
      case TO_HOST.start:
        return this.#start(number, JSON.parse(decoder.decode(body)));
      case TO_HOST.doubt:
        return this.#workers.get(number)?.doubt();
      case TO_HOST.stop:
        this.#workers.get(number)?.end();
        this.#workers.delete(number);
        return;
      case TO_HOST.ping:
        return this.#line.send({ kind: FROM_HOST.pong, number });
    }
  }

  #start(number: number, start: WorkerStart): void {
    this.#workers.get(number)?.end();
    const say = (parts: Omit<FrameParts, "number">) =>
      this.#line.send({ ...parts, number });
    try {
      this.#workers.set(number, new HostedWorker(number, start, say));
    } catch (error) {
      say({ kind: FROM_HOST.down, text: messageOf(error).slice(0, 5000) });
    }
  }
}

/** A worker with the permissions of its plugin, and those that it is lent for its line. */
function startWorker(
  name: string,
  { spec: { permissions }, line: { socket } }: WorkerStart,
): { readonly worker: Worker; readonly lent: readonly Lent[] } {
  // A file of its own in the executable; see scripts/compile.ts.
  const entry = Deno.build.standalone ? "./guest.js" : "./guest.ts";
  const start = (asksForNet: boolean) => {
    const { lent, ...given } = lend(permissions, socket, asksForNet);
    const worker = new Worker(new URL(entry, import.meta.url), {
      type: "module",
      name,
      // A list and `false` are what Deno takes; the types here are readonly.
      deno: { permissions: given.permissions as Deno.PermissionOptionsObject },
    });
    return { worker, lent };
  };
  try {
    return start(true);
  } catch (error) {
    // Older runtimes take a socket for a file alone, and its name for no host.
    if (error instanceof URIError) return start(false);
    throw error;
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
  const line = new FrameLine({
    connection,
    seals: { own: sealOf(secret) },
    maxBody: () => MAX_START,
    onBroken: () => Deno.exit(0), // the controller is gone
  });
  await new Host(line).run().catch(() => {});
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
