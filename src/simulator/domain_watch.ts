/**
 * What must hold of domains at every moment.
 *
 * - `two running`: no VM runs in two domains at once.
 * - `no cause`: no domain ends but by an operation, its guest, or its node.
 * - `capacity`: the domains of a node fit on it.
 *
 * @module
 */
import { isUp } from "../driver/sim/domain.ts";
import type { SimDomain } from "../driver/sim/domain_record.ts";
import type { Ledger } from "./ledger.ts";
import type { Machine } from "./machine.ts";
import type { Invariant, Violation } from "./violation.ts";

/** Looks at domains as they change. */
export class DomainWatch {
  readonly #ledger: Ledger;
  readonly #now: () => number;
  /** Domains that run, by uid: `node domain`. */
  readonly #running = new Map<string, Set<string>>();
  /** Domains that may end now, since the plan says so. */
  readonly #excused = new Set<string>();
  /** The first that was found. */
  violation: Violation | null = null;

  /** `now` is the controller's idea of the date, in ms since 1970. */
  constructor(ledger: Ledger, now: () => number) {
    this.#ledger = ledger;
    this.#now = now;
  }

  /** Follows the domains of `machine` since its boot. */
  follow(machine: Machine): void {
    machine.hypervisor?.listen((domain, before) =>
      this.#look(machine, domain, before)
    );
  }

  /** All domains of `machine` are gone with its power. */
  lostPower({ name, hypervisor }: Machine): void {
    for (const { uid, domain } of hypervisor?.all() ?? []) {
      this.#ended(uid, `${name} ${domain}`);
    }
  }

  /** Lets `act` end the domain: it is the guest's own doing. */
  excuse(machine: Machine, domain: string, act: () => void): void {
    const key = `${machine.name} ${domain}`;
    this.#excused.add(key);
    act();
    this.#excused.delete(key);
  }

  #look(
    machine: Machine,
    domain: SimDomain | null,
    before: SimDomain | null,
  ): void {
    const { uid = null, domain: name = "" } = domain ?? before ?? {};
    if (uid === null) return;
    const key = `${machine.name} ${name}`;
    if (domain !== null && isRunning(domain)) this.#began(uid, key);
    else this.#ended(uid, key);
    const wasUp = before !== null && isUp(before);
    const isNowUp = domain !== null && isUp(domain);
    if (wasUp && !isNowUp) this.#lookAtEnd(machine, before, domain);
    if (!wasUp && isNowUp) this.#lookAtRoom(machine);
  }

  #began(uid: string, key: string): void {
    const its = this.#running.get(uid) ?? new Set();
    this.#running.set(uid, its.add(key));
    if (its.size < 2) return;
    this.#break("two running", `VM ${uid} runs twice: ${[...its].join(", ")}`);
  }

  #ended(uid: string | null, key: string): void {
    if (uid !== null) this.#running.get(uid)?.delete(key);
  }

  #lookAtEnd(
    { name: node }: Machine,
    before: SimDomain,
    now: SimDomain | null,
  ): void {
    const key = `${node} ${before.domain}`;
    const { uid, handle, knobs, move, phase, shutdownDue } = before;
    if (this.#excused.has(key) || uid === null) return;
    if (now?.phase === "crashed" && knobs.crashAfterMs !== undefined) return;
    const incarnation = handle?.incarnation ?? null;
    const isOwed = phase === "migrating" || shutdownDue !== null;
    const isMoving = move !== null;
    const run = { uid, node, incarnation, isMoving, isOwed };
    if (this.#ledger.accountsFor(run, this.#now())) return;
    this.#break(
      "no cause",
      `domain ${key} ended without a cause: ${now?.reason ?? "it is gone"}`,
    );
  }

  #lookAtRoom({ name, hypervisor, capacity }: Machine): void {
    const taken = (hypervisor?.all() ?? []).filter(takesRoom).reduce(
      (sum, { memoryMiB = 0 }) => sum + memoryMiB,
      0,
    );
    if (taken <= capacity.memoryMiB) return;
    this.#break(
      "capacity",
      `node ${name} carries ${taken} MiB of ${capacity.memoryMiB}`,
    );
  }

  #break(invariant: Invariant, text: string): void {
    this.violation ??= { invariant, text };
  }
}

/**
 * Whether placement has to reckon with a domain. A copy of one without power is
 * not off and takes no room; what its guard froze is an older copy as soon as
 * the VM runs elsewhere, and what was sent elsewhere is, and both go next.
 */
function takesRoom(domain: SimDomain): boolean {
  const { phase, move, held } = domain;
  if (held === true || (phase === "migrating" && move?.role === "source")) {
    return false;
  }
  if (phase !== "migrating") return isUp(domain);
  return move?.as !== "stopped" && move?.as !== "crashed";
}

function isRunning({ phase }: SimDomain): boolean {
  return phase === "running" || phase === "starting";
}
