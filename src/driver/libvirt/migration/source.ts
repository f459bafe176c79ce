/**
 * The end of a migration that a domain leaves.
 *
 * `virsh migrate` sends it, and belongs to no LNM. Once the target has
 * everything the guest stands still, and that virsh with it: stopped by a
 * signal, so that nothing but the driver can make the guest go on, whatever
 * becomes of the processes around it. libvirt leaves a guest paused whose
 * virsh is gone by then. So to take it back is to end virsh and to resume the
 * guest; to let it go is to end virsh and then the domain.
 *
 * @module
 */
import { isUsherError } from "../../../error/mod.ts";
import type { Transfer } from "../../../schema/frame.ts";
import type { PeerMessage, Progress } from "../../../schema/operation.ts";
import type { VmSpec } from "../../../schema/vm.ts";
import { systemClock } from "../../../sys/clock.ts";
import { makeFolder, removeIfThere, writeDurably } from "../../../sys/file.ts";
import { signalProcess } from "../../../sys/process_table.ts";
import { readState } from "../../carried/folder.ts";
import {
  findCarrier,
  findSenders,
  startCarrier,
  startSender,
} from "../../carried/processes.ts";
import { newMove } from "../../carried/record.ts";
import { SentBytes } from "../../carried/sent_bytes.ts";
import { sourceTask, writeTask } from "../../carried/task.ts";
import { untilSeen } from "../../carried/waits.ts";
import { cannotMove, cannotNow } from "../../refusals.ts";
import { readMessage } from "../../peer_message.ts";
import type { Domain } from "../domain.ts";
import { prefixOf } from "../virsh.ts";
import { definitionFor } from "./definition.ts";
import { movedDisks, targetsOf } from "./disks.ts";
import { Offer, Ticket } from "./messages.ts";
import {
  daemonOf,
  endProcesses,
  type MoveParts,
  sendingFailed,
} from "./moves.ts";
import {
  definitionFile,
  SOURCE_SIDE,
  TARGET_SIDE,
  type Task,
} from "./protocol.ts";
import { sendImages } from "./image_sending.ts";
import type { LibvirtMove } from "./record.ts";

const MIB = 1024 * 1024;
const LOOK_MS = 100;
/** QEMU's own, said outright so that an earlier migration's does not stay. */
const DOWNTIME_MS = 300;
/**
 * The most that QEMU takes: it then has an emulated guest stand still before it
 * looks anew for what was written. Before 9.0 it misses some of that, and libvirt
 * has no memory of a size with which it does not (decision 0133).
 */
const STANDSTILL_MS = 2_000_000;
/** How long the process that carries may take to be there. */
const CARRY_MS = 60_000;
/** How long libvirt may take to let a guest run again. */
const RESUME_MS = 90_000;

/** What the target must know; asked again while it is under way, what was said holds. Throws `unsupported` for what cannot be moved. */
export async function makeOffer(
  { env, book }: MoveParts,
  domain: Domain,
  { id, live, options }: Transfer,
  signal: AbortSignal,
): Promise<PeerMessage> {
  const { move } = domain.handle;
  if (move?.id === id && domain.handle.spec !== null) {
    return await offerOf(env, domain, domain.handle.spec, move.paused);
  }
  await book.look(signal);
  const { handle: { spec, name, adopted } } = domain;
  if (spec === null || adopted !== undefined) {
    throw cannotMove(
      name,
      "usher has not made its definition",
      adopted === undefined
        ? "Cycle it first: its handle was lost."
        : "Move it with virsh migrate, on its node.",
    );
  }
  await daemonOf(env.config.uri, name);
  if (options.postCopy) throw cannotMove(name, "it knows no post-copy here");
  if (live !== domain.isUp) {
    throw cannotNow("move", domain, `it is ${domain.state().state}`);
  }
  const paused = domain.state().state === "paused";
  return await offerOf(env, domain, spec, paused);
}

async function offerOf(
  env: MoveParts["env"],
  { handle }: Domain,
  spec: VmSpec,
  paused: boolean,
): Promise<Offer> {
  const accel = await env.accel();
  const disks = await movedDisks(env, handle, spec);
  return { v: 1, spec, accel, paused, disks, ending: handle.ending };
}

/** One sending of a domain: to the point where the target has everything. */
export async function sendAway(
  parts: MoveParts,
  domain: Domain,
  transfer: Transfer,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  const { move, name } = domain.handle;
  const record: LibvirtMove = {
    ...newMove(transfer, "source"),
    paused: move?.paused ?? domain.state().state === "paused",
    made: {},
  };
  if (transfer.live) {
    const isUnderWay = move?.id === transfer.id &&
      findSenders(domain.handle.uid).length > 0;
    const mayBeOver = isUnderWay
      ? () => true
      : await beginSending(parts, domain, transfer, record);
    await awaitReady(parts, domain, mayBeOver, onProgress);
  } else if (readMessage(Offer, transfer.offer, name).disks.length > 0) {
    try {
      await sendImages(parts, domain, transfer, record, onProgress);
    } catch (error) {
      // An LNM that ends leaves what there is to the next.
      if (!parts.env.closing.aborted) await takeBack(parts, domain);
      throw error;
    }
  }
  await domain.keep({ move: { ...record, phase: "sent" } });
  await parts.book.look();
}

/** Starts a carrier and virsh; answers how to tell whether virsh may be over. */
async function beginSending(
  parts: MoveParts,
  domain: Domain,
  transfer: Transfer,
  record: LibvirtMove,
): Promise<() => boolean> {
  const { env, book, peers } = parts;
  const { uid, name } = domain.handle;
  const { uuid, files } = domain;
  const ticket = readMessage(Ticket, transfer.ticket, name);
  const offer = readMessage(Offer, transfer.offer, name);
  await endProcesses(domain);
  await removeIfThere(files.move);
  await makeFolder(files.move);
  await domain.keep({ move: record });
  await book.look();
  if (!domain.isUp) throw cannotNow("send", domain, "it does not run");
  const definition = definitionFile(files.move);
  const xml = await env.virsh.ask(
    ["dumpxml", "--migratable", "--security-info", uuid],
  );
  await writeDurably(definition, definitionFor(xml, ticket));
  const task: Task = {
    ...await sourceTask(peers, transfer, ticket),
    socket: files.moveSocket,
    memoryPort: ticket.memoryPort ?? 0,
    diskPort: ticket.diskPort ?? 0,
    ...{ uid, images: [] },
  };
  await writeTask(files.move, task);
  await startCarrier("libvirt", files.move);
  await awaitCarrier(parts, domain);
  const { uri, program } = env.virsh.options;
  const { autoConverge, bandwidth, maxDowntimeMs = DOWNTIME_MS } =
    transfer.options;
  const halt = offer.accel === "tcg" ? STANDSTILL_MS : maxDowntimeMs;
  await env.virsh.act(["migrate-setmaxdowntime", uuid, String(halt)]);
  return await startSender(uid, files.move, [
    program,
    ...["--keepalive-interval", "0", ...prefixOf(uri)],
    // usher knows that disks are shared, which libvirt can only guess.
    ...["migrate", "--live", "--unsafe", "--persistent"],
    ...["--xml", definition, "--persistent-xml", definition],
    ...["--migrateuri", `tcp://${SOURCE_SIDE}:${ticket.memoryPort}`],
    ...["--listen-address", TARGET_SIDE],
    ...(offer.disks.length === 0 ? [] : [
      ...["--copy-storage-all", "--migrate-disks", targetsOf(offer.disks)],
      ...["--disks-port", String(ticket.diskPort)],
    ]),
    ...(autoConverge ? ["--auto-converge"] : []),
    ...(bandwidth === undefined
      ? []
      : ["--bandwidth", String(Math.ceil(bandwidth / MIB))]),
    ...[uuid, `qemu+unix://${ticket.daemon}?socket=${files.moveSocket}`],
  ], { LC_ALL: "C" });
}

/** Waits until the carrier listens for virsh. */
async function awaitCarrier(
  { env }: MoveParts,
  domain: Domain,
): Promise<void> {
  await untilSeen(domain, {
    what: "the process that carries it",
    ms: CARRY_MS,
    everyMs: LOOK_MS,
    signal: env.closing,
  }, async () => {
    const state = await readState(domain.files.move);
    if (state?.phase === "failed") throw await sendingFailed(domain);
    return state?.phase === "carrying" ? true : undefined;
  });
}

async function awaitReady(
  { env, book }: MoveParts,
  domain: Domain,
  mayBeOver: () => boolean,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  const { uid, spec } = domain.handle;
  const sent = new SentBytes(
    "memory",
    (spec?.memoryMiB ?? 0) * MIB,
    onProgress,
  );
  for (;;) {
    const state = await readState(domain.files.move);
    const senders = findSenders(uid);
    if (state !== null) sent.tell(state.bytes);
    if (state?.phase === "ready" && senders.length > 0) {
      for (const sender of senders) signalProcess(sender, "SIGSTOP");
      // What has happened before it stood still would show now.
      await book.look();
      const isHere = await findCarrier(domain.files.move) !== null;
      if (isHere && domain.isHeldByMigration) return;
    }
    const isOver = senders.length === 0 && mayBeOver();
    if (isOver || state?.phase === "failed") {
      const error = await sendingFailed(domain);
      await takeBack({ env, book }, domain);
      throw error;
    }
    await systemClock.sleep(LOOK_MS, env.closing);
  }
}

/** Takes the domain back: the guest is here as before. Looks in any case, so that what is told then is so. */
export async function takeBack(
  parts: Pick<MoveParts, "env" | "book">,
  domain: Domain,
): Promise<void> {
  const { move } = domain.handle;
  if (move === null || move.role !== "source") return await parts.book.look();
  if (move.live) {
    const { virsh } = parts.env;
    if (move.phase === "sending") {
      await virsh.act(["domjobabort", domain.uuid]).catch(() => {});
    }
    await endProcesses(domain);
    if (!move.paused) await untilRunning(parts, domain);
  } else await endProcesses(domain);
  await removeIfThere(domain.files.move);
  await domain.keep({ move: null });
  await parts.book.look();
}

/** libvirt lets a guest go on whose move is over, or leaves that to whoever knows. */
async function untilRunning(
  { env, book }: Pick<MoveParts, "env" | "book">,
  domain: Domain,
): Promise<void> {
  const wait = { what: "it to go on", ms: RESUME_MS, everyMs: LOOK_MS };
  await untilSeen(domain, wait, async () => {
    book.touch(domain);
    await book.look();
    if (!domain.isLive || domain.runs) return true;
    // It goes on when its node has its lease back.
    if (domain.state().held) return true;
    await env.virsh.act(["resume", domain.uuid]).catch((error) => {
      if (!isUsherError(error, "interrupted")) throw error;
    });
    book.touch(domain);
    await book.look();
    return domain.runs ? true : undefined;
  });
}
