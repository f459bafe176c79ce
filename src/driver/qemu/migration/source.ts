/**
 * The acts at the source that end a migration: taking it back, and clearing
 * away what moved.
 *
 * @module
 */
import { UsherError } from "../../../error/mod.ts";
import { statOrNull } from "../../../sys/file.ts";
import { renameIfThere } from "../../../sys/file_system.ts";
import { systemClock } from "../../../sys/clock.ts";
import { cannotNow } from "../../refusals.ts";
import type { Domain } from "../domain.ts";
import { Carrier, endCarrier } from "./carrier.ts";
import { command, type Commander } from "./commander.ts";
import { sentDisks } from "./fate.ts";
import { freedOfTarget } from "./hanging.ts";
import { isUnderWay, memoryStatus, runStateAfter } from "./memory.ts";
import { cancelMirrors } from "./mirrors.ts";
import { keepMove, type MoveParts } from "./moves.ts";
import { forgetPeers } from "./peer_tls.ts";
import { isCopy, type MoveRecord } from "./record.ts";

const CANCEL_MS = 60_000;
/** How long what is left of a guest's memory may take after post-copy's switch. */
const REST_MS = 60_000;
const LOOK_MS = 50;

/** Ends what is being sent; the domain is as it was. Nothing decides for it any more. */
export async function takeBack(
  { env }: MoveParts,
  domain: Domain,
): Promise<void> {
  const { move } = domain.handle;
  if (move === null || move.role !== "source") return;
  if (!move.live) {
    if (await isCarried(env, domain)) {
      using carrier = await openCarrier(env, domain);
      await cancelMirrors(carrier);
    }
    await endCarrier(env, domain.handle.uid);
  } else if (domain.process !== null) {
    const qemu = freedOfTarget(domain);
    await stopMemory(qemu, domain, move);
    await cancelMirrors(qemu);
    await forgetPeers(qemu);
    const isHalted = await runStateAfter(qemu) === "postmigrate";
    if (isHalted && !move.paused) await command(qemu, "cont");
  }
  await keepMove(domain, null);
  await domain.look();
}

async function isCarried(
  { layout }: MoveParts["env"],
  { handle }: Domain,
): Promise<boolean> {
  const { pidFile } = layout.files(handle.uid).carrier;
  return await statOrNull(pidFile) !== null && handle.spec !== null;
}

async function openCarrier(
  env: MoveParts["env"],
  { handle }: Domain,
): Promise<Carrier> {
  if (handle.spec === null) throw new UsherError("internal", "No spec");
  return await Carrier.open(env, handle, handle.spec);
}

async function stopMemory(
  qemu: Commander,
  domain: Domain,
  move: MoveRecord,
): Promise<void> {
  const until = systemClock.monotonic() + CANCEL_MS;
  for (let asked = false;;) {
    const { status, isPostCopy } = await memoryStatus(qemu);
    const isOver = isPostCopy || move.postCopy && move.phase === "sent";
    if (isOver) {
      throw cannotNow(
        "keep",
        domain,
        `a part of its memory is on ${move.peer} already, and after post-copy's switch there is no way back`,
      );
    }
    if (!isUnderWay(status)) return;
    if (!asked) await command(qemu, "migrate_cancel");
    asked = true;
    if (systemClock.monotonic() > until) {
      throw new UsherError(
        "timed_out",
        `Cannot end the migration of VM "${domain.handle.name}": QEMU is ${status} for ${CANCEL_MS} ms`,
      );
    }
    await domain.news.next(LOOK_MS, NEVER);
  }
}

const NEVER = new AbortController().signal;

/** Throws `wrong_state` when the guest is still here. */
export async function checkGone(domain: Domain): Promise<void> {
  if (domain.process === null) return;
  const { move } = domain.handle;
  const isSource = move?.role === "source";
  const isSwitched = isSource && move.live &&
    await runStateAfter(domain) === "postmigrate";
  if (!isSwitched && !isCopy(move)) {
    const { state } = await domain.look();
    throw cannotNow("release", domain, `it is ${state} here`);
  }
  if (isSource && move.postCopy) await awaitRest(domain);
}

/** After post-copy's switch the target still asks for memory. */
async function awaitRest(domain: Domain): Promise<void> {
  const until = systemClock.monotonic() + REST_MS;
  for (;;) {
    const { status, leftBytes } = await memoryStatus(domain);
    if (status === "completed") return;
    if (systemClock.monotonic() > until || !isUnderWay(status)) {
      throw cannotNow(
        "release",
        domain,
        `${leftBytes} bytes of its memory are still here (${status})`,
      );
    }
    await domain.news.next(LOOK_MS, NEVER);
  }
}

/**
 * Puts aside the user's own files that were sent. They are the user's, so they
 * stay; but under their own name they would be taken for the VM's disk, and
 * would keep the VM from ever moving back.
 */
export async function putAside({ handle }: Domain): Promise<void> {
  const { move, spec } = handle;
  if (move?.role !== "source" || move.phase !== "sent") return;
  for (const { disk, fate } of sentDisks(spec?.disks ?? [])) {
    if (fate !== "file" || disk.path === undefined) continue;
    const aside = `${disk.path}.moved-${move.id.toLowerCase()}`;
    if (await statOrNull(aside) === null) {
      await renameIfThere(disk.path, aside);
    }
  }
}
