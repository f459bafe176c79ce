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
import { systemClock } from "../../../sys/clock.ts";
import { connectToPeer, listenForPeer } from "../../../sys/peer_link.ts";
import { connectPiped, standardStreams } from "../../../sys/piped_child.ts";
import type { ByteConnection } from "../../../sys/byte_connection.ts";
import {
  awaitGo,
  carryOut,
  identityOf,
  LONELY,
  LONELY_MS,
  ownFirst,
  OwnState,
  pump,
} from "../../carried/carrier.ts";
import { moveFiles } from "../../carried/folder.ts";
import { Pace } from "../../carried/pace.ts";
import { DOMAIN_VARIABLE } from "../processes.ts";
import { GREETING_END, PERMISSION, READY, REPORT, Task } from "./protocol.ts";

/** How long xl may take to let the domain run. */
const GO_MS = 60_000;

/** Runs the carrier of `folder` to its end; the exit code. */
export async function runCarrier(folder: string): Promise<number> {
  const own = new OwnState(folder, ownFirst());
  return await carryOut(
    own,
    Task,
    (task) => task.role === "source" ? send(own, task) : receive(own, task),
  );
}

/** Between the sending xl, on the standard streams, and the target. */
async function send(
  own: OwnState,
  task: Extract<Task, { role: "source" }>,
): Promise<void> {
  await own.tell({});
  const identity = await identityOf(task.credentials);
  const target = await connectToPeer(task, identity, task.purpose);
  const xl = standardStreams();
  await own.tell({ phase: "carrying" });
  const pace = new Pace(task.bandwidth);
  const sent = pump(xl, target, async (count) => {
    await own.count(count);
    await pace.spend(count);
  });
  sent.catch(() => target.close());
  await greet(target, xl);
  // Not a word more to the sender: it would act on it.
  await hear(target, READY);
  await own.tell({ phase: "ready" });
  // Until whoever decides ends xl, or this process.
  await sent.catch(() => {});
  target.close();
}

/** Between the source and the xl that takes the domain in. */
async function receive(
  own: OwnState,
  task: Extract<Task, { role: "target" }>,
): Promise<void> {
  const { ports, subject, purpose } = task;
  const identity = await identityOf(task.credentials);
  using listener = listenForPeer(ports, identity, { subject, purpose });
  await own.tell({ port: listener.port });
  const source = await within(LONELY_MS, LONELY, listener.peer);
  await own.tell({ phase: "carrying" });
  const xl = connectPiped(task.xl, ["migrate-receive"], {
    ...task.env,
    [DOMAIN_VARIABLE]: task.uid,
  }, { complaints: moveFiles(own.folder).log });
  // A source that breaks off takes what came of the domain with it.
  let isWhole = false;
  const taken = pump(source, xl, (count) => own.count(count))
    .catch(() => {}).then(() => {
      if (!isWhole) xl.close();
    });
  await greet(xl, source);
  await hear(xl, READY);
  isWhole = true;
  await source.writeAll(READY).catch(() => {});
  await own.tell({ phase: "ready" });
  await awaitGo(own.folder);
  await xl.writeAll(PERMISSION);
  const [failed] = await within(
    GO_MS,
    "Xl did not say whether the domain runs",
    hear(xl, REPORT).then(() => take(xl, 1)),
  );
  source.close();
  await taken;
  if (failed !== 0) throw new Error("Xl could not let the domain run");
  await own.tell({ phase: "done" });
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
