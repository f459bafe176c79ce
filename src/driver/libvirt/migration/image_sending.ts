/**
 * Sending the disks of a domain that is off: without a guest there is no memory,
 * and no virsh that would decide anything.
 *
 * A process of its own copies them (`images.ts`), which outlives the LNM: the next
 * one waits for that process, and does not begin anew.
 *
 * @module
 */
import type { Transfer } from "../../../schema/frame.ts";
import type { Progress } from "../../../schema/operation.ts";
import { systemClock } from "../../../sys/clock.ts";
import { makeFolder, removeIfThere } from "../../../sys/file.ts";
import { readState } from "../../carried/folder.ts";
import { findCarrier, startCarrier } from "../../carried/processes.ts";
import { SentBytes } from "../../carried/sent_bytes.ts";
import { sourceTask, writeTask } from "../../carried/task.ts";
import { readMessage } from "../../peer_message.ts";
import { cannotMove } from "../../refusals.ts";
import type { Domain } from "../domain.ts";
import { imagesOf, type MovedDisk } from "./disks.ts";
import { Offer, Ticket } from "./messages.ts";
import { endProcesses, type MoveParts, sendingFailed } from "./moves.ts";
import type { Task } from "./protocol.ts";
import type { LibvirtMove } from "./record.ts";

const LOOK_MS = 100;
/** How long the process that copies may take to be there. */
const BEGIN_MS = 60_000;

/** Sends what the disks of a domain hold that is off, or goes on where an earlier LNM was. */
export async function sendImages(
  parts: MoveParts,
  domain: Domain,
  transfer: Transfer,
  record: LibvirtMove,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  const { env, peers } = parts;
  const { uid, name, spec, move } = domain.handle;
  const { files } = domain;
  const ticket = readMessage(Ticket, transfer.ticket, name);
  const { disks } = readMessage(Offer, transfer.offer, name);
  if (spec === null) {
    throw cannotMove(name, "usher has not made its definition");
  }
  if (ticket.port === null) {
    throw cannotMove(
      name,
      "it is off, and its other node takes disks of running guests alone",
      "Both nodes need the same version of usher.",
    );
  }
  const isUnderWay = move?.id === transfer.id &&
    (await findCarrier(files.move) !== null || await isReady(files.move));
  if (!isUnderWay) {
    await endProcesses(domain);
    await removeIfThere(files.move);
    await makeFolder(files.move);
    await domain.keep({ move: record });
    const task: Task = {
      ...await sourceTask(peers, transfer, ticket),
      socket: files.moveSocket,
      memoryPort: 0,
      diskPort: 0,
      uid,
      images: imagesOf(env, { uid, spec }, disks),
    };
    await writeTask(files.move, task);
    await startCarrier("libvirt", files.move);
  }
  await awaitSent(parts, domain, { id: transfer.id, disks }, onProgress);
}

async function awaitSent(
  { env }: MoveParts,
  domain: Domain,
  { id, disks }: { readonly id: string; readonly disks: readonly MovedDisk[] },
  onProgress: (progress: Progress) => void,
): Promise<void> {
  const sent = new SentBytes(
    "disks",
    disks.reduce((sum, { ownBytes }) => sum + ownBytes, 0),
    onProgress,
  );
  const late = systemClock.monotonic() + BEGIN_MS;
  for (;;) {
    const { files, handle } = domain;
    const state = await readState(files.move);
    if (state !== null) sent.tell(state.bytes);
    const isGone = state === null
      ? systemClock.monotonic() > late
      : await findCarrier(files.move) === null;
    // It ends when it is done, perhaps between the two looks.
    if (await isReady(files.move)) return;
    const isCalledOff = handle.move?.id !== id;
    if (isGone || isCalledOff || state?.phase === "failed") {
      throw await sendingFailed(domain);
    }
    await systemClock.sleep(LOOK_MS, env.closing);
  }
}

async function isReady(folder: string): Promise<boolean> {
  return (await readState(folder))?.phase === "ready";
}
