/**
 * The fault knobs of `sim`: how a simulated domain, and a simulated node,
 * misbehave on request.
 *
 * Knobs of one domain stand in its spec, under `sim` (`SimOptions` in
 * `schema/vm.ts`):
 *
 * - `bootMs`: the domain is `starting` for so long, and the start waits.
 * - `shutdownMs`: the guest takes so long to obey a shutdown. It goes on
 *   shutting down after the one who asked has given up.
 * - `ignoreShutdown`: the guest never obeys; only a power cut stops it.
 * - `startError`: the start throws `driver_failed` with this text, and leaves
 *   no domain.
 * - `startHangs`: the domain stays `starting` and the start waits for ever,
 *   until it is aborted or the domain is powered off.
 * - `crashAfterMs`: the domain crashes so long after it ran; time spent
 *   paused does not count.
 * - `sendMs`: sending the domain to another node takes so long.
 * - `sendError`: sending it fails with this text when half of it is sent, and
 *   the domain runs on.
 * - `sendHangs`: sending it stops when half of it is sent, and never ends.
 * - `replyLost`: start, stop, pause, resume and forget act, then throw
 *   `interrupted`, so that their caller must look.
 *
 * Knobs of a node stand in the driver's options (`SimNodeOptions` below), and
 * may be changed while the driver runs, by tests.
 *
 * @module
 */
import { z } from "zod";
import { DomainState } from "../../schema/vm.ts";
import { UsherError } from "../../error/mod.ts";

/** A domain that is there although usher did not make it. */
export const ForeignDomain = z.strictObject({
  name: z.string().min(1).max(200),
  state: DomainState.extract(["running", "paused", "stopped", "crashed"])
    .default("running"),
  memoryMiB: z.int().positive().optional(),
  vcpus: z.int().positive().optional(),
});
export type ForeignDomain = z.infer<typeof ForeignDomain>;

/** The acts of a migration that a node may be made to fail at. */
export const MigrationAct = z.enum([
  "offer",
  "receive",
  "send",
  "activate",
  "abort",
  "release",
]);
export type MigrationAct = z.infer<typeof MigrationAct>;

/** The options of `sim` in the node's configuration: knobs of the whole node. */
export const SimNodeOptions = z.strictObject({
  /** For the LNM, which makes the driver or not. */
  enabled: z.boolean().default(true),
  /** For the LNM, which has such domains adopted. */
  adopt: z.array(z.string()).default([]),
  /** The probe finds no hypervisor. */
  probeUndetected: z.boolean().default(false),
  /** The probe finds one that is broken, for this reason. */
  probeUnhealthy: z.string().optional(),
  /** The probe answers so late. */
  probeDelayMs: z.int().nonnegative().default(0),
  /** `list`, `inspect` and `counters` answer so late. */
  listDelayMs: z.int().nonnegative().default(0),
  /** `list`, `inspect` and `counters` throw `unavailable` with this text. */
  listError: z.string().optional(),
  /** The node starts no more domains than this in a second; the rest wait. */
  startsPerSecond: z.number().positive().optional(),
  /** Every nth start on this node throws `driver_failed`; the first is number 1. */
  startFailsEvery: z.int().positive().optional(),
  /** Every verb takes so long before it acts. */
  verbDelayMs: z.int().nonnegative().default(0),
  /** No guard can be reached; what is guarded already stays so. */
  guardError: z.string().optional(),
  /** This act of a migration throws `driver_failed`, and does nothing. */
  migrationFailsAt: MigrationAct.optional(),
  /** How far sending has come is told so often. */
  sendTellsMs: z.int().positive().optional(),
  /** Domains that are there from the beginning and not made by usher. */
  foreign: z.array(ForeignDomain).default([]),
});
export type SimNodeOptions = z.infer<typeof SimNodeOptions>;

/** The options in `config`, as the node's configuration gives them. */
export function parseSimNodeOptions(config: unknown): SimNodeOptions {
  const parsed = SimNodeOptions.safeParse(config ?? {});
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = ["drivers", "sim", ...(issue?.path ?? [])].join(".");
  throw new UsherError(
    "invalid_input",
    `Cannot use options of driver "sim": ${field}: ${issue?.message}`,
    {
      field,
    },
  );
}
