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
import { isUsherError, UsherError } from "../../../error/mod.ts";
import type { Transfer } from "../../../schema/frame.ts";
import type { PeerMessage, Progress } from "../../../schema/operation.ts";
import { peerHost } from "../../../schema/peer.ts";
import { spawnDetached } from "../../../sys/child.ts";
import { Deadline, systemClock } from "../../../sys/clock.ts";
import { makeFolder, removeIfThere, writeDurably } from "../../../sys/file.ts";
import { ownEnvironment } from "../../../sys/machine.ts";
import { signalProcess } from "../../../sys/process_table.ts";
import type { Domain } from "../domain.ts";
import { prefixOf } from "../virsh.ts";
import { definitionFor } from "./definition.ts";
import { movedDisks, stays, targetsOf } from "./disks.ts";
import { Offer, readWords, Ticket } from "./messages.ts";
import {
  cannotNow,
  daemonOf,
  endProcesses,
  findCarrier,
  findSenders,
  type MoveParts,
  moveWords,
  SENDER_VARIABLE,
  startCarrier,
  unsupported,
} from "./moves.ts";
import { moveFiles, readState, SOURCE_SIDE, TARGET_SIDE } from "./protocol.ts";
import type { MoveRecord } from "./record.ts";

const MIB = 1024 * 1024;
const LOOK_MS = 100;
/** How long the process that carries may take to be there. */
const CARRY_MS = 60_000;
/** How long libvirt may take to let a guest run again. */
const RESUME_MS = 90_000;

/** What the target must know. Throws `unsupported` for what cannot be moved. */
export async function makeOffer(
  { env, book }: MoveParts,
  domain: Domain,
  { live, options }: Transfer,
  signal: AbortSignal,
): Promise<PeerMessage> {
  await book.look(signal);
  const { handle: { spec, name, ending, adopted } } = domain;
  if (spec === null || adopted !== undefined) {
    throw unsupported(name, "usher has not made its definition");
  }
  const local = spec.disks.find((disk) => !stays(disk));
  if (local !== undefined && !live) {
    throw unsupported(
      name,
      `it is off, and its disk ${local.path ?? local.base} is its node's own`,
      "Start it: libvirt sends disks while their guest runs.",
    );
  }
  await daemonOf(env.config.uri, name);
  if (options.postCopy) throw unsupported(name, "it knows no post-copy here");
  if (live !== domain.isUp) {
    throw cannotNow("move", domain, `it is ${domain.state().state}`);
  }
  const paused = domain.state().state === "paused";
  const accel = await env.accel();
  const disks = await movedDisks(env, domain.handle, spec);
  return { v: 1, spec, accel, paused, disks, ending } satisfies Offer;
}

/** One sending of a domain: to the point where the target has everything. */
export async function sendAway(
  parts: MoveParts,
  domain: Domain,
  transfer: Transfer,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  const { move } = domain.handle;
  if (move?.id === transfer.id && move.phase === "sent") return;
  const record: MoveRecord = {
    id: transfer.id,
    role: "source",
    peer: transfer.peer,
    live: transfer.live,
    paused: move?.paused ?? domain.state().state === "paused",
    phase: "sending",
    made: {},
  };
  if (transfer.live) {
    const isUnderWay = move?.id === transfer.id &&
      findSenders(domain.handle.uid).length > 0;
    if (!isUnderWay) await beginSending(parts, domain, transfer, record);
    await awaitReady(parts, domain, onProgress);
  }
  await domain.keep({ move: { ...record, phase: "sent" } });
  await parts.book.look();
}

async function beginSending(
  parts: MoveParts,
  domain: Domain,
  transfer: Transfer,
  record: MoveRecord,
): Promise<void> {
  const { env, book, peers } = parts;
  const { uid, name } = domain.handle;
  const { uuid, files } = domain;
  const ticket = readWords<Ticket>(Ticket, transfer.ticket, name);
  const offer = readWords<Offer>(Offer, transfer.offer, name);
  await endProcesses(domain);
  await removeIfThere(files.move);
  await makeFolder(files.move);
  await domain.keep({ move: record });
  await book.look();
  if (!domain.isUp) throw cannotNow("send", domain, "it does not run");
  const { definition, log } = moveFiles(files.move);
  const xml = await env.virsh.ask(
    ["dumpxml", "--migratable", "--security-info", uuid],
  );
  await writeDurably(definition, definitionFor(xml, ticket));
  const { ca, certificate, key } = await peers.credentials();
  await startCarrier(files.move, {
    role: "source",
    purpose: transfer.id,
    credentials: { ca, certificate, key },
    address: ticket.address,
    port: ticket.port ?? 0,
    host: peerHost(transfer.peer),
    socket: files.moveSocket,
    memoryPort: ticket.memoryPort ?? 0,
    diskPort: ticket.diskPort ?? 0,
  });
  await awaitCarrier(parts, domain);
  const { uri, program } = env.virsh.options;
  const { options: { autoConverge, bandwidth } } = transfer;
  await spawnDetached(program, [
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
  ], {
    env: { ...ownEnvironment(), LC_ALL: "C", [SENDER_VARIABLE]: uid },
    outputPath: log,
  });
}

/** Waits until the carrier listens for virsh. */
async function awaitCarrier(
  { env }: MoveParts,
  domain: Domain,
): Promise<void> {
  const { name } = domain.handle;
  using deadline = new Deadline(
    systemClock,
    CARRY_MS,
    `start of moving VM "${name}"`,
    env.closing,
  );
  for (;;) {
    const state = await readState(domain.files.move);
    if (state?.phase === "failed") throw await failed(domain);
    if (state?.phase === "carrying") return;
    await systemClock.sleep(LOOK_MS, deadline.signal);
  }
}

async function awaitReady(
  { env, book }: MoveParts,
  domain: Domain,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  const { uid, spec } = domain.handle;
  const totalBytes = (spec?.memoryMiB ?? 0) * 1024 * 1024;
  const began = systemClock.monotonic();
  let told = -1;
  for (;;) {
    const state = await readState(domain.files.move);
    const senders = findSenders(uid);
    if (state !== null && state.bytes !== told) {
      told = state.bytes;
      const seconds = (systemClock.monotonic() - began) / 1000;
      onProgress(progressOf(state.bytes, totalBytes, seconds));
    }
    if (state?.phase === "ready" && senders.length > 0) {
      for (const sender of senders) signalProcess(sender, "SIGSTOP");
      // What has happened before it stood still would show now.
      await book.look();
      const isHere = await findCarrier(domain.files.move) !== null;
      if (isHere && domain.isHeldByMigration) return;
    }
    if (senders.length === 0 || state?.phase === "failed") {
      const error = await failed(domain);
      await takeBack({ env, book }, domain);
      throw error;
    }
    await systemClock.sleep(LOOK_MS, env.closing);
  }
}

async function failed({ handle, files }: Domain): Promise<UsherError> {
  const words = await moveWords(files.move) || "virsh migrate ended";
  return new UsherError(
    "driver_failed",
    `Cannot move VM "${handle.name}": ${words}`,
  );
}

function progressOf(
  doneBytes: number,
  memoryBytes: number,
  seconds: number,
): Progress {
  const bytesPerSecond = seconds > 0 ? doneBytes / seconds : 0;
  // What the guest writes meanwhile is sent again.
  const totalBytes = Math.max(memoryBytes, doneBytes);
  return {
    phase: "memory",
    doneBytes,
    totalBytes,
    bytesPerSecond,
    leftMs: bytesPerSecond > 0
      ? (totalBytes - doneBytes) / bytesPerSecond * 1000
      : null,
  };
}

/** Takes the domain back: the guest is here as before. */
export async function takeBack(
  parts: Pick<MoveParts, "env" | "book">,
  domain: Domain,
): Promise<void> {
  const { move } = domain.handle;
  if (move === null || move.role !== "source") return;
  if (move.live) {
    const { virsh } = parts.env;
    if (move.phase === "sending") {
      await virsh.act(["domjobabort", domain.uuid]).catch(() => {});
    }
    await endProcesses(domain);
    if (!move.paused) await untilRunning(parts, domain);
  }
  await removeIfThere(domain.files.move);
  await domain.keep({ move: null });
  await parts.book.look();
}

/** libvirt lets a guest go on whose move is over, or leaves that to whoever knows. */
async function untilRunning(
  { env, book }: Pick<MoveParts, "env" | "book">,
  domain: Domain,
): Promise<void> {
  using deadline = new Deadline(
    systemClock,
    RESUME_MS,
    `VM "${domain.handle.name}" going on`,
  );
  for (;;) {
    book.touch(domain);
    await book.look();
    if (!domain.isLive || domain.runs) return;
    await env.virsh.act(["resume", domain.uuid]).catch((error) => {
      if (!isUsherError(error, "interrupted")) throw error;
    });
    book.touch(domain);
    await book.look();
    if (domain.runs) return;
    await systemClock.sleep(LOOK_MS, deadline.signal);
  }
}
