/**
 * The end of a migration that a domain leaves.
 *
 * `xl migrate` sends it, and belongs to no LNM. Once the target has everything
 * the guest stands still, and that xl with it: stopped by a signal, so that
 * nothing but the driver can make it go on, whatever becomes of the processes
 * around it. To take the guest back it is let go on without its other side,
 * and lets the guest run again; to let the guest go it is ended before its
 * domain is.
 *
 * @module
 */
import { UsherError } from "../../../error/mod.ts";
import type { Transfer } from "../../../schema/frame.ts";
import type { PeerMessage, Progress } from "../../../schema/operation.ts";
import { systemClock } from "../../../sys/clock.ts";
import { makeFolder, removeIfThere } from "../../../sys/file.ts";
import { signalProcess } from "../../../sys/process_table.ts";
import { readState } from "../../carried/folder.ts";
import {
  carrierCommand,
  endCarrier,
  findSenders,
  startSender,
} from "../../carried/processes.ts";
import { type MoveRecord, newMove } from "../../carried/record.ts";
import { SentBytes } from "../../carried/sent_bytes.ts";
import { sourceTask, writeTask } from "../../carried/task.ts";
import { untilSeen } from "../../carried/waits.ts";
import { cannotMove, cannotNow } from "../../refusals.ts";
import { readMessage } from "../../peer_message.ts";
import type { Domain } from "../domain.ts";
import { guestType } from "../domain_config.ts";
import { destroyAll } from "../undo.ts";
import { type Offer, Ticket } from "./messages.ts";
import { type MoveParts, moveWords } from "./moves.ts";

const MIB = 1024 * 1024;
const LOOK_MS = 100;
/** How long xl may take to let a guest run again. */
const RESUME_MS = 90_000;

/** What the target must know; asked again while it is under way, what was said holds. Throws `unsupported` for what Xen cannot move. */
export async function makeOffer(
  { env }: MoveParts,
  domain: Domain,
  { id, live, options }: Transfer,
  signal: AbortSignal,
): Promise<PeerMessage> {
  if (domain.handle.move?.id === id) {
    const { spec, ending } = domain.handle;
    return { v: 1, spec, ending };
  }
  await env.looks.fresh();
  const { handle: { spec, name, ending }, row, isLive } = domain;
  if (spec === null) {
    throw cannotMove(name, "what it was started with is not known any more");
  }
  const local = spec.disks.find(({ shared }) => !shared);
  if (local !== undefined) {
    throw cannotMove(
      name,
      `its disk ${local.path} is its node's own, and Xen sends no disks`,
      "Put its disks where every node sees them, and mark them as shared.",
    );
  }
  if (!live) {
    if (isLive) throw cannotNow("move", domain, "it runs");
    return { v: 1, spec, ending } satisfies Offer;
  }
  if (!isLive || row === null) {
    throw cannotNow("move", domain, "it does not run");
  }
  if (row.paused) {
    throw cannotMove(
      name,
      "a Xen guest must run to be moved, since it has a part in it",
      "Resume it first.",
    );
  }
  if (options.postCopy) {
    throw cannotMove(name, "Xen has no post-copy");
  }
  if (guestType(spec) === "pv") {
    const caps = (await env.xl.info(signal)).get("virt_caps") ?? "";
    if (!caps.split(" ").includes("shadow")) {
      throw cannotMove(
        name,
        "this node's Xen was built without what moving a pv guest needs (shadow paging)",
        "A guest of type pvh moves.",
      );
    }
  }
  return { v: 1, spec, ending: null } satisfies Offer;
}

/** One sending of a domain: to the point where the target has everything. */
export async function sendAway(
  parts: MoveParts,
  domain: Domain,
  transfer: Transfer,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  const { move } = domain.handle;
  const record = newMove(transfer, "source");
  if (!transfer.live) {
    await domain.keep({ move: { ...record, phase: "sent" } });
    domain.console.close();
    return domain.publish();
  }
  const isUnderWay = move?.id === transfer.id &&
    findSenders(domain.handle.uid).length > 0;
  const mayBeOver = isUnderWay
    ? () => true
    : await beginSending(parts, domain, transfer, record);
  await awaitReady(parts, domain, mayBeOver, onProgress);
  domain.console.close();
  await domain.keep({ move: { ...record, phase: "sent" } });
  await parts.env.looks.fresh();
}

/** Starts xl; answers how to tell whether it may be over. */
async function beginSending(
  { env, peers }: MoveParts,
  domain: Domain,
  transfer: Transfer,
  record: MoveRecord,
): Promise<() => boolean> {
  const { uid, name } = domain.handle;
  const ticket = readMessage(Ticket, transfer.ticket, name);
  const folder = domain.files.move;
  await removeIfThere(folder);
  await makeFolder(folder);
  await writeTask(folder, await sourceTask(peers, transfer, ticket));
  await domain.keep({ move: record });
  await env.looks.fresh();
  if (domain.row === null || domain.row.shutdown) {
    throw cannotNow("send", domain, "it does not run");
  }
  const carrier = carrierCommand("xen", folder);
  return await startSender(uid, folder, [
    env.xl.program,
    ...["migrate", "-s", "", String(domain.row.domid)],
    // xl gives this to a shell; nothing in it comes from a user.
    `exec ${carrier.map(shellWord).join(" ")}`,
  ], env.programs);
}

async function awaitReady(
  { env }: MoveParts,
  domain: Domain,
  mayBeOver: () => boolean,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  const { uid, name, spec } = domain.handle;
  const folder = domain.files.move;
  const sent = new SentBytes(
    "memory",
    (spec?.memoryMiB ?? 0) * MIB,
    onProgress,
  );
  for (;;) {
    const senders = findSenders(uid);
    const state = await readState(folder);
    if (state !== null) sent.tell(state.bytes);
    if (senders.length === 0 && mayBeOver()) {
      await env.looks.fresh().catch(() => {});
      throw new UsherError(
        "driver_failed",
        `Cannot move VM "${name}": ${
          await moveWords(folder) || "xl migrate ended"
        }`,
      );
    }
    if (state?.phase === "ready" && senders.length > 0) {
      // All of them but the carrier, which would end with the connection.
      for (const sender of senders) {
        if (sender.pid !== state.pid) signalProcess(sender, "SIGSTOP");
      }
      return;
    }
    await systemClock.sleep(LOOK_MS, env.closing);
  }
}

/** Takes the domain back: the guest runs here as before. */
export async function takeBack(
  { env }: MoveParts,
  domain: Domain,
): Promise<void> {
  const { uid, name, move } = domain.handle;
  if (move === null || move.role !== "source") return;
  if (move.live) {
    // Without its other side xl gives up, and lets the guest run again.
    await endCarrier(domain.files.move);
    for (const sender of findSenders(uid)) signalProcess(sender, "SIGCONT");
    await sendersGone(domain);
    await env.looks.fresh();
  }
  await removeIfThere(domain.files.move);
  await domain.keep({ move: null });
  const { row } = domain;
  if (move.live && row?.shutdown === true && row.reason === 2) {
    await destroyAll(env, uid, name);
    await domain.keepEnding({
      state: "crashed",
      reason:
        "it stood still to be moved, and the xl that could let it run again is gone",
    });
  }
  domain.publish();
}

/** Waits until the xl that sent it has ended; it then has let the guest run. */
async function sendersGone(domain: Domain): Promise<void> {
  await untilSeen(
    domain,
    { what: 'the end of "xl migrate"', ms: RESUME_MS, everyMs: LOOK_MS },
    () =>
      Promise.resolve(
        findSenders(domain.handle.uid).length > 0 ? undefined : true,
      ),
  );
}

/** Ends what sends the domain away, so that nothing lets it run again; then the domain may be ended. */
export async function endSending({ handle, files }: Domain): Promise<void> {
  // xl before its carrier, whose end would have it let the guest run.
  const state = await readState(files.move);
  const senders = findSenders(handle.uid);
  for (const sender of senders) {
    if (sender.pid !== state?.pid) signalProcess(sender, "SIGKILL");
  }
  for (const sender of senders) signalProcess(sender, "SIGKILL");
}

function shellWord(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
