/**
 * The process that carries a domain to another node: `usher guard xen FOLDER`.
 *
 * There is one at each end. It belongs to no LNM and lives on when one dies,
 * as the xl beside it does; what it knows stands in a file of its folder. At
 * the source it is what the sending xl calls to reach the other side; at the
 * target it listens, and starts the xl that takes the domain in.
 *
 * @module
 */
import { messageOf } from "../../../error/mod.ts";
import { systemClock } from "../../../sys/clock.ts";
import { readTextOrNull, statOrNull } from "../../../sys/file.ts";
import { processId } from "../../../sys/machine.ts";
import {
  connectToPeer,
  listenForPeer,
  type PeerIdentity,
} from "../../../sys/peer_link.ts";
import { connectPiped, standardStreams } from "../../../sys/piped_child.ts";
import { readProcess } from "../../../sys/process_table.ts";
import type { ByteConnection } from "../../../sys/unix_socket.ts";
import { DOMAIN_VARIABLE } from "../processes.ts";
import {
  type CarrierState,
  GREETING_END,
  moveFiles,
  PERMISSION,
  READY,
  REPORT,
  Task,
  writeState,
} from "./protocol.ts";

const BUFFER_BYTES = 256 * 1024;
const TELL_EVERY_MS = 500;
const LOOK_MS = 50;
/** A target whose source never comes ends after so long. */
const LONELY_MS = 30 * 60_000;
/** How long xl may take to let the domain run. */
const GO_MS = 60_000;

/** Runs the carrier of `folder` to its end; the exit code. */
export async function runCarrier(folder: string): Promise<number> {
  const carrier = new Carrier(folder);
  try {
    const task = Task.parse(
      JSON.parse(await readTextOrNull(moveFiles(folder).task) ?? ""),
    );
    await (task.role === "source" ? carrier.send(task) : carrier.receive(task));
    return 0;
  } catch (error) {
    await carrier.tell({ phase: "failed", reason: messageOf(error) });
    return 1;
  }
}

class Carrier {
  readonly #folder: string;
  #state: CarrierState;
  #toldAt = 0;
  #telling: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = folder;
    const { startTicks = 0 } = readProcess(processId()) ?? {};
    this.#state = {
      pid: processId(),
      startTicks,
      phase: "waiting",
      port: null,
      bytes: 0,
      reason: "",
    };
  }

  /** One after another, so that what is told last is what stays. */
  tell(news: Partial<CarrierState>): Promise<void> {
    this.#state = { ...this.#state, ...news };
    this.#toldAt = systemClock.monotonic();
    const state = this.#state;
    this.#telling = this.#telling.then(() => writeState(this.#folder, state));
    return this.#telling;
  }

  /** Between the sending xl, on the standard streams, and the target. */
  async send(task: Extract<Task, { role: "source" }>): Promise<void> {
    await this.tell({});
    const target = await connectToPeer(
      task,
      await identityOf(task),
      task.purpose,
    );
    const xl = standardStreams();
    await this.tell({ phase: "carrying" });
    const sent = this.#pump(xl, target);
    sent.catch(() => target.close());
    await greet(target, xl);
    // Not a word more to the sender: it would act on it.
    await hear(target, READY);
    await this.tell({ phase: "ready" });
    // Until whoever decides ends xl, or this process.
    await sent.catch(() => {});
    target.close();
  }

  /** Between the source and the xl that takes the domain in. */
  async receive(task: Extract<Task, { role: "target" }>): Promise<void> {
    const { ports, subject, purpose } = task;
    using listener = listenForPeer(ports, await identityOf(task), {
      subject,
      purpose,
    });
    await this.tell({ port: listener.port });
    const source = await within(
      LONELY_MS,
      "The source never came",
      listener.peer,
    );
    await this.tell({ phase: "carrying" });
    const xl = connectPiped(task.xl, ["migrate-receive"], {
      ...task.env,
      [DOMAIN_VARIABLE]: task.uid,
    }, { complaints: moveFiles(this.#folder).log });
    // A source that breaks off takes what came of the domain with it.
    let isWhole = false;
    const taken = this.#pump(source, xl).catch(() => {}).then(() => {
      if (!isWhole) xl.close();
    });
    await greet(xl, source);
    await hear(xl, READY);
    isWhole = true;
    await source.writeAll(READY).catch(() => {});
    await this.tell({ phase: "ready" });
    await this.#awaitGo();
    await xl.writeAll(PERMISSION);
    const [failed] = await within(
      GO_MS,
      "Xl did not say whether the domain runs",
      hear(xl, REPORT).then(() => take(xl, 1)),
    );
    source.close();
    await taken;
    if (failed !== 0) throw new Error("Xl could not let the domain run");
    await this.tell({ phase: "done" });
  }

  async #awaitGo(): Promise<void> {
    while (await statOrNull(moveFiles(this.#folder).go) === null) {
      await systemClock.sleep(LOOK_MS);
    }
  }

  async #pump(from: ByteConnection, to: ByteConnection): Promise<void> {
    const buffer = new Uint8Array(BUFFER_BYTES);
    for (;;) {
      const count = await from.read(buffer);
      if (count === null) return;
      await to.writeAll(buffer.subarray(0, count));
      this.#state = { ...this.#state, bytes: this.#state.bytes + count };
      if (systemClock.monotonic() - this.#toldAt > TELL_EVERY_MS) {
        await this.tell({});
      }
    }
  }
}

async function identityOf(
  { credentials: { ca, certificate, key } }: Task,
): Promise<PeerIdentity> {
  const [caPem, certificatePem, keyPem] = await Promise.all(
    [ca, certificate, key].map((path) => readTextOrNull(path)),
  );
  return {
    ca: caPem ?? "",
    certificate: certificatePem ?? "",
    key: keyPem ?? "",
  };
}

/** Hands on the receiver's greeting, which is one line. */
async function greet(from: ByteConnection, to: ByteConnection): Promise<void> {
  for (;;) {
    const byte = await take(from, 1);
    await to.writeAll(byte);
    if (byte[0] === GREETING_END) return;
  }
}

/** Hears exactly these words. */
async function hear(
  from: ByteConnection,
  words: Uint8Array,
): Promise<void> {
  const heard = await take(from, words.length);
  if (heard.every((byte, at) => byte === words[at])) return;
  throw new Error(
    `Xl said ${JSON.stringify(new TextDecoder().decode(heard))} in place of ${
      JSON.stringify(new TextDecoder().decode(words))
    }`,
  );
}

async function take(
  from: ByteConnection,
  count: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const taken = new Uint8Array(count);
  for (let done = 0; done < count;) {
    const got = await from.read(taken.subarray(done));
    if (got === null) throw new Error("The other side hung up");
    done += got;
  }
  return taken;
}

async function within<T>(
  ms: number,
  late: string,
  work: Promise<T>,
): Promise<T> {
  const enough = new AbortController();
  const timer = systemClock.sleep(ms, enough.signal).then(() => {
    throw new Error(late);
  });
  timer.catch(() => {});
  try {
    return await Promise.race([work, timer]);
  } finally {
    enough.abort();
  }
}
