/**
 * Sending a guest's memory: QEMU's own migration, told what it may do, and
 * followed.
 *
 * @module
 */
import { z } from "zod";
import { peerHost } from "../../../schema/peer.ts";
import type { Transfer } from "../../../schema/frame.ts";
import { refusalOf } from "../qmp/client.ts";
import { UsherError } from "../../../error/mod.ts";
import { systemClock } from "../../../sys/clock.ts";
import { queryRunState } from "../monitor.ts";
import { command, type Commander } from "./commander.ts";
import { CLIENT, SERVER } from "./peer_tls.ts";
import type { Ticket } from "./record.ts";

/** QEMU has a limit of its own, and one of 128 MB/s when none is set. */
const UNLIMITED = 2 ** 50;
/** QEMU's own, said outright so that an earlier migration's does not stay. */
const DOWNTIME_MS = 300;
const SETTLE_MS = 20_000;

const Status = z.object({
  status: z.string().default("none"),
  "error-desc": z.string().optional(),
  ram: z.object({
    transferred: z.number(),
    remaining: z.number(),
    mbps: z.number(),
    "dirty-sync-count": z.number(),
    "postcopy-bytes": z.number().optional(),
  }).optional(),
});

/** How far QEMU's migration is. */
export interface MemoryStatus {
  /** QEMU's word: `none`, `active`, `pre-switchover`, `completed`, … */
  readonly status: string;
  readonly error: string | null;
  readonly sentBytes: number;
  readonly leftBytes: number;
  readonly bytesPerSecond: number;
  /** How often all of the memory was gone through. */
  readonly rounds: number;
  /**
   * Whether the target has had the switch of post-copy. Its status alone does
   * not tell: what was left may have been sent between two looks.
   */
  readonly isPostCopy: boolean;
}

/** Asks QEMU. */
export async function memoryStatus(qemu: Commander): Promise<MemoryStatus> {
  const { ram, ...its } = Status.parse(await command(qemu, "query-migrate"));
  return {
    status: its.status,
    error: its["error-desc"] ?? null,
    sentBytes: ram?.transferred ?? 0,
    leftBytes: ram?.remaining ?? 0,
    bytesPerSecond: (ram?.mbps ?? 0) * 1e6 / 8,
    rounds: ram?.["dirty-sync-count"] ?? 0,
    isPostCopy: its.status.startsWith("postcopy") ||
      (ram?.["postcopy-bytes"] ?? 0) > 0,
  };
}

/** Whether a migration in this status can still be ended, and has to be waited for. */
export function isUnderWay(status: string): boolean {
  return !["none", "completed", "failed", "cancelled"].includes(status);
}

/** QEMU's run state once it is out of the switch, which is a moment after its migration has ended. */
export async function runStateAfter(qemu: Commander): Promise<string> {
  const until = systemClock.monotonic() + SETTLE_MS;
  for (;;) {
    const state = await queryRunState(qemu);
    if (state !== "finish-migrate") return state;
    if (systemClock.monotonic() > until) {
      throw new UsherError(
        "timed_out",
        `QEMU has not left the switch of a migration after ${SETTLE_MS} ms`,
      );
    }
    await systemClock.sleep(1);
  }
}

/** Has the target's QEMU take memory in. Throws `unsupported` for post-copy where the machine has none. */
export async function prepareTarget(
  qemu: Commander,
  { paused, postCopy }: { paused: boolean; postCopy: boolean },
): Promise<void> {
  await setCapabilities(qemu, {
    // Else disks that both ends see would be locked before the decision. A
    // paused guest's are: nothing else would ever make them usable here, and
    // QEMU dies when it is to send such disks again.
    "late-block-activate": !paused,
  });
  if (postCopy) await setPostCopy(qemu, "its target");
  await command(qemu, "migrate-set-parameters", {
    "tls-creds": SERVER.credentials,
    "tls-authz": SERVER.authz,
  });
}

/** Begins. `pauses`: QEMU waits before the switch, for the disks. */
export async function beginSending(
  qemu: Commander,
  ticket: Ticket,
  { peer, options }: Transfer,
  pauses: boolean,
): Promise<void> {
  await setCapabilities(qemu, {
    events: true,
    // Without it "completed" means sent, and not that the target could use it.
    "return-path": true,
    "auto-converge": options.autoConverge && !options.postCopy,
    "pause-before-switchover": pauses,
  });
  if (options.postCopy) await setPostCopy(qemu, "its source");
  else await setCapabilities(qemu, { "postcopy-ram": false });
  await command(qemu, "migrate-set-parameters", {
    "tls-creds": CLIENT.credentials,
    "tls-hostname": peerHost(peer),
    "max-bandwidth": options.bandwidth ?? UNLIMITED,
    "downtime-limit": options.maxDowntimeMs ?? DOWNTIME_MS,
  });
  await command(qemu, "migrate", {
    uri: migrationUri(ticket.address, ticket.port ?? 0),
  });
}

/** An address and a port as QEMU's `migrate` and `migrate-incoming` take them. */
export function migrationUri(address: string, port: number): string {
  const host = address.includes(":") ? `[${address}]` : address;
  return `tcp:${host}:${port}`;
}

async function setPostCopy(qemu: Commander, where: string): Promise<void> {
  try {
    await setCapabilities(qemu, { "postcopy-ram": true });
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    throw new UsherError(
      "unsupported",
      `Cannot move it by post-copy: QEMU at ${where} cannot: ${refusal.message}`,
      { hint: "move it without --post-copy", cause: error },
    );
  }
}

async function setCapabilities(
  qemu: Commander,
  states: Readonly<Record<string, boolean>>,
): Promise<void> {
  await command(qemu, "migrate-set-capabilities", {
    capabilities: Object.entries(states).map(([capability, state]) => ({
      capability,
      state,
    })),
  });
}
