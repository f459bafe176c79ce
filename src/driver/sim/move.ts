/**
 * A simulated domain that moves: how its record changes at either node. Pure.
 *
 * ```
 *          sentDue            abort
 * running ─────────► migrating ─────► running        at the source
 *                    migrating ─────► running        at the target
 *                            activate
 * ```
 *
 * @module
 */
import { z } from "zod";
import type { DomainPlan } from "../driver.ts";
import type { PeerMessage } from "../../schema/operation.ts";
import type { SimDomain } from "./domain_record.ts";

/** What the source tells the target: sim sends nothing else. */
const Offer = z.object({
  phase: z.enum(["running", "paused", "stopped", "crashed"]),
  reason: z.string(),
  startedAt: z.number(),
  crashDue: z.number().nullable(),
  pausedAt: z.number().nullable(),
  pausedMs: z.number(),
});

/** What the target must know of `domain`. */
export function offerOf(domain: SimDomain): PeerMessage {
  return Offer.parse(domain);
}

/** The domain once it began to be sent at `now`. */
export function sending(
  domain: SimDomain,
  id: string,
  now: number,
): SimDomain {
  const { sendMs = 0, sendHangs = false } = domain.knobs;
  const sentDue = sendHangs ? null : now + sendMs;
  const as = domain.phase;
  return { ...domain, move: { id, role: "source", since: now, sentDue, as } };
}

/** The domain once everything was sent: from then on it does not run here. */
export function sent(domain: SimDomain, at: number): SimDomain {
  const { move, phase } = domain;
  if (move === null) return domain;
  return {
    ...domain,
    phase: "migrating",
    move: { ...move, since: at, sentDue: null, as: phase },
  };
}

/** The copy that a target makes of what was offered. Throws a `ZodError`. */
export function takenIn(
  domain: SimDomain,
  { generation, incarnation }: DomainPlan,
  id: string,
  offer: PeerMessage,
  now: number,
): SimDomain {
  const { phase, ...rest } = Offer.parse(offer);
  return {
    ...domain,
    ...rest,
    handle: { generation, incarnation },
    phase: "migrating",
    bootDue: null,
    move: { id, role: "target", since: now, sentDue: null, as: phase },
  };
}

/** The domain going on here as what it was, a while later than it would have. */
export function goneOn(domain: SimDomain, now: number): SimDomain {
  const { move, crashDue, shutdownDue } = domain;
  if (move === null) return domain;
  if (domain.phase !== "migrating") return { ...domain, move: null };
  const away = now - move.since;
  const later = (due: number | null) => due === null ? null : due + away;
  return {
    ...domain,
    phase: move.as,
    crashDue: later(crashDue),
    shutdownDue: later(shutdownDue),
    move: null,
  };
}
