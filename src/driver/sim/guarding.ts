/**
 * The guard of a simulated node: a part of its hypervisor, so it outlives
 * whatever the LNM comes to. Like a real one it learns of a domain at the first
 * renewal after its start; from then on the domain's record says so, and time
 * pauses it when the lease is over (`domain.ts`).
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { Guarding, GuardReport } from "../driver.ts";
import { resumed } from "./domain.ts";
import type { SimDomain } from "./domain_record.ts";
import type { SimNodeOptions } from "./faults.ts";
import type { SimHypervisor } from "./hypervisor.ts";

/** Guards the domains of one hypervisor. */
export class SimGuarding implements Guarding {
  readonly #hypervisor: SimHypervisor;
  readonly #faults: SimNodeOptions;

  constructor(hypervisor: SimHypervisor, faults: SimNodeOptions) {
    this.#hypervisor = hypervisor;
    this.#faults = faults;
  }

  /** See `Guarding.renew`. */
  renew(until: number, signal: AbortSignal): Promise<GuardReport> {
    return this.#do(signal, () => {
      const end = this.#wallTime(until);
      const { lease } = this.#hypervisor;
      if (this.#wanting().length > 0 && end > (lease ?? 0)) {
        this.#hypervisor.renewLease(end);
      }
      for (const domain of this.#wanting()) {
        if (domain.guarded === true) continue;
        this.#hypervisor.put({ ...domain, guarded: true });
      }
      const domains = this.#wanting();
      return {
        guarded: runsOf(domains.filter(({ held }) => held !== true)),
        held: runsOf(domains.filter(({ held }) => held === true)),
      };
    });
  }

  /** See `Guarding.release`. */
  release(
    uids: readonly string[],
    until: number,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#do(signal, () => {
      const now = this.#hypervisor.clock.now();
      if (this.#wallTime(until) <= now) return;
      for (const domain of this.#wanting()) {
        if (domain.held !== true || !uids.includes(domain.uid ?? "")) continue;
        this.#hypervisor.put(resumed(domain, now));
      }
    });
  }

  /** Domains that are up and want a guard, held or not; one that still starts cannot be paused. */
  #wanting(): SimDomain[] {
    return this.#hypervisor.all().filter(({ wantsGuard, phase }) =>
      wantsGuard === true &&
      (phase === "running" || phase === "paused")
    );
  }

  /** The hypervisor counts milliseconds since 1970. */
  #wallTime(boot: number): number {
    const { clock } = this.#hypervisor;
    return clock.now() + boot - clock.boot();
  }

  // deno-lint-ignore require-await -- what is thrown here is a rejection
  async #do<T>(signal: AbortSignal, work: () => T): Promise<T> {
    signal.throwIfAborted();
    const { guardError } = this.#faults;
    if (guardError !== undefined) {
      throw new UsherError("unavailable", guardError);
    }
    return work();
  }
}

function runsOf(domains: readonly SimDomain[]): Record<string, string> {
  return Object.fromEntries(
    domains.flatMap(({ uid, handle }) =>
      uid === null || handle === null ? [] : [[uid, handle.incarnation]]
    ),
  );
}
