/**
 * One simulated domain: what is known of it, and how time changes it.
 *
 * ```
 *           bootDue          shutdownDue
 * starting ─────────► running ─────────► stopped
 *    │                 │   ▲ ╲ crashDue
 *    │ power cut       │   │  ╲────────► crashed
 *    ▼           pause ▼   │ resume
 * stopped ◄────────── paused
 * ```
 *
 * Everything that time will do to a domain stands in its record as a moment
 * (`…Due`), so a record that was read back from a file after an hour goes on
 * where it would be, and nothing needs a timer unless somebody watches.
 * All functions here are pure.
 *
 * @module
 */
import type { DomainPlan, DomainReport } from "../driver.ts";
import type { SimDomain } from "./domain_record.ts";
import { keptSpec } from "./kept_spec.ts";
import { sent } from "./move.ts";
import { SimOptions } from "../../schema/vm.ts";
import type { ForeignDomain } from "./faults.ts";

const DEFAULT_KNOBS = SimOptions.parse({});
const NO_KNOBS: Partial<SimOptions> = Object.freeze({});

/** The key of the domain that runs VM `uid`. */
export function domainOf(uid: string): string {
  return `sim-${uid}`;
}

const FOREIGN = "foreign-";

/** Whether the domain of this key was there before usher; adopting it changes no key. */
export function isForeignKey(key: string): boolean {
  return key.startsWith(FOREIGN);
}

/** What a domain that was there before usher is called by its own. */
export function foreignName(key: string): string {
  return key.slice(FOREIGN.length);
}

/** The domain that `plan` asks for, started at `now`. */
export function newDomain(plan: DomainPlan, now: number): SimDomain {
  const { sim, vcpus, memoryMiB, disks, nics } = plan.spec;
  return settle({
    domain: domainOf(plan.uid),
    uid: plan.uid,
    name: plan.name,
    handle: { generation: plan.generation, incarnation: plan.incarnation },
    phase: "starting",
    reason: "",
    startedAt: now,
    bootDue: sim.startHangs ? null : now + sim.bootMs,
    crashDue: null,
    shutdownDue: null,
    pausedAt: null,
    pausedMs: 0,
    move: null,
    memoryMiB,
    vcpus,
    disks: disks.length,
    nics: nics.length,
    knobs: turnedKnobs(sim),
    spec: keptSpec(plan.spec),
    ...(plan.spec.onNodeLoss === "restart" ? { wantsGuard: true } : {}),
  }, now);
}

function turnedKnobs(sim: SimOptions): Partial<SimOptions> {
  const turned = Object.entries(sim).filter(([key, value]) =>
    value !== DEFAULT_KNOBS[key as keyof SimOptions]
  );
  return turned.length === 0 ? NO_KNOBS : Object.fromEntries(turned);
}

/** A domain that usher did not make. */
export function foreignDomain(
  { name, state, memoryMiB, vcpus }: ForeignDomain,
  now: number,
): SimDomain {
  return {
    domain: `${FOREIGN}${name}`,
    uid: null,
    name,
    handle: null,
    phase: state,
    reason: "",
    startedAt: now,
    bootDue: null,
    crashDue: null,
    shutdownDue: null,
    pausedAt: state === "paused" ? now : null,
    pausedMs: 0,
    move: null,
    ...(memoryMiB === undefined ? {} : { memoryMiB }),
    ...(vcpus === undefined ? {} : { vcpus }),
    disks: 1,
    nics: 1,
    knobs: NO_KNOBS,
  };
}

/** Whether the domain occupies the machine. */
export function isUp(domain: SimDomain): boolean {
  return domain.phase !== "stopped" && domain.phase !== "crashed";
}

/**
 * When time changes the domain next; null when it does not. `lease` is the end
 * of the node's lease; null when nobody guards.
 */
export function nextDue(
  domain: SimDomain,
  lease: number | null = null,
): number | null {
  const { phase, bootDue, crashDue, shutdownDue, move, guarded } = domain;
  if (phase === "starting") return bootDue;
  if (phase === "migrating") return null;
  const sentDue = move?.sentDue ?? null;
  if (phase !== "running") return sentDue;
  const leaseDue = guarded === true ? lease : null;
  const ownDue = earliest(crashDue, shutdownDue);
  return earliest(leaseDue, earliest(sentDue, ownDue));
}

function earliest(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : Math.min(a, b);
}

/** The domain as time has made it by `now`; the same object when it has not. */
export function settle(
  domain: SimDomain,
  now: number,
  lease: number | null = null,
): SimDomain {
  let settled = domain;
  for (
    let due = nextDue(settled, lease);
    due !== null && due <= now;
    due = nextDue(settled, lease)
  ) {
    settled = pass(settled, due, lease);
  }
  return settled;
}

function pass(
  domain: SimDomain,
  due: number,
  lease: number | null,
): SimDomain {
  if (domain.phase === "starting") {
    const { crashAfterMs } = domain.knobs;
    const crashDue = crashAfterMs === undefined ? null : due + crashAfterMs;
    return { ...domain, phase: "running", bootDue: null, crashDue };
  }
  if (domain.guarded === true && due === lease && domain.phase === "running") {
    return held(domain, due);
  }
  if (domain.move?.sentDue === due) return sent(domain, due);
  return domain.shutdownDue === due
    ? halted(domain, "guest shut down")
    : crashed(domain);
}

/** The domain once its guest shut down or its power was cut. */
export function halted(domain: SimDomain, reason: string): SimDomain {
  return { ...ended(domain), phase: "stopped", reason };
}

/** The domain once it died by itself. */
export function crashed(
  domain: SimDomain,
  reason = "simulated crash: killed by signal 11",
): SimDomain {
  return { ...ended(domain), phase: "crashed", reason };
}

function ended({ held: _, ...domain }: SimDomain): SimDomain {
  return {
    ...domain,
    bootDue: null,
    crashDue: null,
    shutdownDue: null,
    pausedAt: null,
    move: null,
  };
}

/** The domain once its guest was asked to shut down. A paused guest hears nothing. */
export function askedToShutDown(domain: SimDomain, now: number): SimDomain {
  const { ignoreShutdown, startHangs, shutdownMs = 0 } = domain.knobs;
  if (
    ignoreShutdown || startHangs || domain.phase === "paused" ||
    domain.shutdownDue !== null
  ) return domain;
  return {
    ...domain,
    shutdownDue: Math.max(now, domain.bootDue ?? now) + shutdownMs,
  };
}

/** The domain frozen in memory; only a running one can be. */
export function paused(domain: SimDomain, now: number): SimDomain {
  return { ...domain, phase: "paused", pausedAt: now };
}

/** The domain paused because the node's lease was over at `at`. */
export function held(domain: SimDomain, at: number): SimDomain {
  return {
    ...paused(domain, at),
    reason: "paused by its guard, since its node's lease was over",
    held: true,
  };
}

/** The domain going on; what time would have done to it meanwhile comes later. */
export function resumed(
  { held: wasHeld, ...domain }: SimDomain,
  now: number,
): SimDomain {
  const away = now - (domain.pausedAt ?? now);
  return {
    ...domain,
    phase: "running",
    reason: wasHeld === true ? "" : domain.reason,
    pausedAt: null,
    pausedMs: domain.pausedMs + away,
    crashDue: domain.crashDue === null ? null : domain.crashDue + away,
    shutdownDue: domain.shutdownDue === null ? null : domain.shutdownDue + away,
  };
}

/** What the driver says of `domain`; `stopping` while somebody waits for its guest to obey. */
export function reportOf(domain: SimDomain, stopping = false): DomainReport {
  const { uid, name, phase, reason, handle, memoryMiB, vcpus } = domain;
  return {
    uid,
    domain: domain.domain,
    name,
    state: stopping && phase === "running" ? "stopping" : phase,
    reason,
    incarnation: handle?.incarnation ?? null,
    generation: handle?.generation ?? 0,
    ...(domain.held === true ? { held: true } : {}),
    ...(memoryMiB === undefined ? {} : { memoryMiB }),
    ...(vcpus === undefined ? {} : { vcpus }),
  };
}

/** What the driver says when there is no domain. */
export function absentReport(uid: string | null, domain: string): DomainReport {
  return {
    uid,
    domain,
    name: "",
    state: "absent",
    reason: "",
    incarnation: null,
    generation: 0,
  };
}
