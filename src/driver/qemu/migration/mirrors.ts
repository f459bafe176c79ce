/**
 * The source's side of sending disks: one mirror of QEMU's for each, which
 * copies what is there and goes on with whatever the guest writes, until the
 * guest stops for the switch.
 *
 * What there is of them is always asked of QEMU, so that a later LNM goes on
 * where an earlier one was. A mirror that has ended stays until it is
 * dismissed, which only a good end and an abort do; so none is ever missed.
 *
 * @module
 */
import { z } from "zod";
import { UsherError } from "../../../error/mod.ts";
import { peerHost } from "../../../schema/peer.ts";
import { systemClock } from "../../../sys/clock.ts";
import { command, type Commander, commandUnless } from "./commander.ts";
import { CLIENT } from "./peer_tls.ts";
import type { Ticket } from "./record.ts";

const PREFIX = "usher-mirror-";
/** How the names of the nodes begin that lead to the target. */
export const PEER_NODE = "usher-peer-";
const CANCEL_MS = 30_000;
const POLL_MS = 20;
/** So often an end is looked for before others get their turn. */
const TRIES = 10;

const Job = z.object({
  id: z.string(),
  status: z.string(),
  "current-progress": z.number(),
  "total-progress": z.number(),
  error: z.string().optional(),
});

/** One mirror, as QEMU tells of it. */
export interface Mirror {
  readonly id: string;
  readonly index: number;
  readonly status: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly error: string | null;
}

/** The mirrors that there are. */
export async function listMirrors(qemu: Commander): Promise<Mirror[]> {
  const jobs = z.array(Job).parse(await command(qemu, "query-jobs"));
  return jobs.filter(({ id }) => id.startsWith(PREFIX)).map((job) => ({
    id: job.id,
    index: Number(job.id.slice(PREFIX.length)),
    status: job.status,
    doneBytes: job["current-progress"],
    totalBytes: job["total-progress"],
    error: job.error ?? null,
  }));
}

/** Starts the mirrors that are not there yet. */
export async function startMirrors(
  qemu: Commander,
  ticket: Ticket,
  peer: string,
  bandwidth: number | undefined,
): Promise<void> {
  const there = new Set((await listMirrors(qemu)).map(({ index }) => index));
  for (const disk of ticket.disks) {
    if (there.has(disk.index)) continue;
    await removePeerNode(qemu, disk.index);
    await command(qemu, "blockdev-add", {
      driver: "nbd",
      "node-name": peerNode(disk.index),
      server: {
        type: "inet",
        host: ticket.address,
        port: String(ticket.diskPort),
      },
      export: disk.export,
      "tls-creds": CLIENT.credentials,
      "tls-hostname": peerHost(peer),
    });
    await command(qemu, "blockdev-mirror", {
      "job-id": `${PREFIX}${disk.index}`,
      device: `disk${disk.index}`,
      target: peerNode(disk.index),
      sync: disk.sync,
      "auto-dismiss": false,
      // Zeroes and holes need not be sent.
      "on-target-error": "report",
      ...(bandwidth === undefined ? {} : { speed: bandwidth }),
    });
  }
}

/** Throws `driver_failed` when a mirror has failed, or is not there. */
export function checkMirrors(
  mirrors: readonly Mirror[],
  ticket: Ticket,
  name: string,
): void {
  for (const { index } of ticket.disks) {
    const mirror = mirrors.find((its) => its.index === index);
    const isBroken = mirror === undefined || mirror.error !== null ||
      mirror.status === "concluded" || mirror.status === "aborting";
    if (!isBroken) continue;
    throw new UsherError(
      "driver_failed",
      `Cannot send disk ${index} of VM "${name}": ${
        mirror?.error ?? "its mirror ended"
      }`,
    );
  }
}

/** Whether every disk is the same at both ends but for what is written just now. */
export function areReady(mirrors: readonly Mirror[]): boolean {
  return mirrors.every(({ status }) => status === "ready");
}

/**
 * Ends the mirrors of a guest that stands still: both ends are the same then.
 * Whether all have ended; if not, ask again. Throws `driver_failed` when one of
 * them does not come to a good end.
 */
export async function completeMirrors(
  qemu: Commander,
  name: string,
): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries++) {
    const mirrors = await listMirrors(qemu);
    if (mirrors.length === 0) return true;
    for (const { id, index, status, error } of mirrors) {
      if (error !== null) {
        throw new UsherError(
          "driver_failed",
          `Cannot send disk ${index} of VM "${name}": ${error}`,
        );
      }
      if (status === "ready") await endJob(qemu, id, false);
      if (status === "concluded") await dismiss(qemu, id, index);
    }
    await systemClock.sleep(tries);
  }
  return false;
}

/** Ends whatever mirrors there are; the source's disks stay as they are. */
export async function cancelMirrors(qemu: Commander): Promise<void> {
  const until = systemClock.monotonic() + CANCEL_MS;
  for (let tries = 0;; tries++) {
    const mirrors = await listMirrors(qemu);
    if (mirrors.length === 0) return;
    for (const { id, index, status } of mirrors) {
      if (status === "concluded") await dismiss(qemu, id, index);
      else if (status !== "aborting") {
        await endJob(qemu, id, true);
      }
    }
    if (systemClock.monotonic() > until) {
      throw new UsherError(
        "timed_out",
        `Cannot end the sending of disks: QEMU holds on to it for ${CANCEL_MS} ms`,
      );
    }
    await systemClock.sleep(Math.min(tries * 2, POLL_MS));
  }
}

/** Asks a mirror to end, with what it has or, with `force`, at once. It may have done so by itself. */
async function endJob(
  qemu: Commander,
  device: string,
  force: boolean,
): Promise<void> {
  const isOver = /DeviceNotActive|not found|cannot accept/i;
  await commandUnless(qemu, isOver, "block-job-cancel", { device, force });
}

async function dismiss(
  qemu: Commander,
  id: string,
  index: number,
): Promise<void> {
  await command(qemu, "job-dismiss", { id });
  await removePeerNode(qemu, index);
}

function peerNode(index: number): string {
  return `${PEER_NODE}${index}`;
}

async function removePeerNode(qemu: Commander, index: number): Promise<void> {
  await commandUnless(qemu, /Failed to find node/i, "blockdev-del", {
    "node-name": peerNode(index),
  });
}
