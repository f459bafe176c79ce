/**
 * The simulated hypervisor: the domains of one node, and what befalls them.
 *
 * It stands for what a real node has outside of usher. A driver made over it
 * may come and go while the domains stay; between processes they stay in the
 * journal of the driver's state directory. Its methods that no driver calls
 * (`plant`, `crash`, `shutDownFromInside`, `loseHandle`) are what tests do to
 * a node behind usher's back.
 *
 * @module
 */
import type { Clock } from "../../sys/clock.ts";
import { systemClock } from "../../sys/clock.ts";
import { Agenda } from "./agenda.ts";
import {
  crashed,
  domainOf,
  foreignDomain,
  halted,
  isForeignKey,
  isUp,
  nextDue,
  settle,
} from "./domain.ts";
import type { SimDomain } from "./domain_record.ts";
import type { ForeignDomain } from "./faults.ts";
import { type Journal, type Kept, noJournal, openJournal } from "./journal.ts";

/** Told of every change: the record now, or null once the domain is gone. */
export type Listener = (
  domain: SimDomain | null,
  before: SimDomain | null,
) => void;

/** Where a simulated hypervisor keeps its domains, and its clock. */
export interface HypervisorOptions {
  /** Survives the process when given and not empty. */
  readonly stateDir?: string;
  readonly clock?: Clock;
}

/** The domains of one node. */
export class SimHypervisor implements Disposable {
  readonly clock: Clock;
  readonly #journal: Journal;
  readonly #domains: Map<string, SimDomain>;
  readonly #agenda: Agenda;
  readonly #listeners = new Set<Listener>();
  readonly #waiters = new Map<string, Set<() => void>>();
  /** Keys of domains that were adopted, by uid; those of others follow from it. */
  readonly #adopted = new Map<string, string>();
  /** Until when guarded domains may run; null while nobody guards. */
  #lease: number | null;

  private constructor(
    clock: Clock,
    journal: Journal,
    { domains, lease }: Kept,
  ) {
    this.clock = clock;
    this.#journal = journal;
    this.#domains = domains;
    this.#lease = lease;
    this.#agenda = new Agenda(clock, (key) => void this.get(key));
    for (const domain of domains.values()) {
      this.#remind(domain);
      this.#noteUid(domain, null);
    }
  }

  /** Opens a node's hypervisor with the domains that an earlier one left. */
  static async open(
    { stateDir = "", clock = systemClock }: HypervisorOptions = {},
  ): Promise<SimHypervisor> {
    if (stateDir === "") {
      const kept = { domains: new Map(), lease: null };
      return new SimHypervisor(clock, noJournal, kept);
    }
    const { journal, ...kept } = await openJournal(stateDir);
    return new SimHypervisor(clock, journal, kept);
  }

  /** How many domains there are. */
  get size(): number {
    return this.#domains.size;
  }

  /** The key of the domain that runs VM `uid`, or would. */
  keyOf(uid: string): string {
    return this.#adopted.get(uid) ?? domainOf(uid);
  }

  /** The domain of that name, as it is now. */
  get(key: string): SimDomain | null {
    const domain = this.#domains.get(key);
    if (domain === undefined) return null;
    const settled = settle(domain, this.clock.now(), this.#lease);
    // What time did follows from the record that is in the journal already.
    if (settled !== domain) this.#change(settled, domain);
    return settled;
  }

  /** Every domain as it is now. */
  all(): SimDomain[] {
    return [...this.#domains.keys()].map((key) => this.get(key)).filter((
      domain,
    ) => domain !== null);
  }

  /** Keeps `domain`. Throws, and changes nothing, when that cannot be written. */
  put(domain: SimDomain): void {
    this.#journal.put(domain);
    this.#change(domain, this.#domains.get(domain.domain) ?? null);
  }

  /**
   * Runs a new domain. A hypervisor knows nothing of uids: when one of that
   * name is up it runs a second, and who asked has broken promise 6.
   */
  create(domain: SimDomain): void {
    const there = this.get(domain.domain);
    if (there === null || !isUp(there)) return this.put(domain);
    this.create({ ...domain, domain: `${domain.domain}+` });
  }

  /** Forgets a domain. */
  remove(key: string): void {
    const before = this.#domains.get(key);
    if (before === undefined) return;
    this.#journal.gone(key);
    this.#domains.delete(key);
    this.#tell(key, null, before);
  }

  /** Calls `listener` at every change until the result is disposed of. */
  listen(listener: Listener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /**
   * Waits until `holds` says yes of domain `key`; null after `timeoutMs`.
   * Rejects with the signal's reason when that aborts.
   */
  async waitFor<T>(
    key: string,
    holds: (domain: SimDomain | null) => T | null,
    { signal, timeoutMs }: { signal: AbortSignal; timeoutMs?: number },
  ): Promise<T | null> {
    signal.throwIfAborted();
    const first = holds(this.get(key));
    if (first !== null) return first;
    using wait = this.#wait(key);
    using time = stopwatch(this.clock, timeoutMs);
    using aborted = abortOf(signal);
    for (;;) {
      const over = await Promise.race([
        wait.next(),
        time.over,
        aborted.promise,
      ]);
      const value = holds(this.get(key));
      if (value !== null) return value;
      if (over === "time over") return null;
    }
  }

  /** Until when guarded domains may run; null while nobody guards. */
  get lease(): number | null {
    return this.#lease;
  }

  /** Lets guarded domains run until `end`, milliseconds since 1970. */
  renewLease(end: number): void {
    // By the lease that was: what it has ended stays so.
    const domains = this.all();
    this.#journal.lease(end);
    this.#lease = end;
    for (const domain of domains) {
      if (domain.guarded === true) this.#remind(domain);
    }
  }

  /** Plants a domain that usher did not make; answers its key. */
  plant(foreign: ForeignDomain): string {
    const domain = foreignDomain(foreign, this.clock.now());
    if (this.#domains.get(domain.domain) === undefined) this.put(domain);
    return domain.domain;
  }

  /** Kills a domain as a fault of its own would. */
  crash(key: string, reason?: string): void {
    const domain = this.get(key);
    if (domain !== null && isUp(domain)) this.put(crashed(domain, reason));
  }

  /** Lets the guest shut itself down. */
  shutDownFromInside(key: string): void {
    const domain = this.get(key);
    if (domain !== null && isUp(domain)) {
      this.put(halted(domain, "guest shut down"));
    }
  }

  /** Loses what the driver remembers of a start; the domain runs on. */
  loseHandle(key: string): void {
    const domain = this.get(key);
    if (domain !== null) this.put({ ...domain, handle: null });
  }

  [Symbol.dispose](): void {
    this.#agenda[Symbol.dispose]();
    this.#journal[Symbol.dispose]();
  }

  #change(domain: SimDomain, before: SimDomain | null): void {
    this.#domains.set(domain.domain, domain);
    this.#noteUid(domain, before);
    this.#remind(domain);
    this.#tell(domain.domain, domain, before);
  }

  #noteUid({ domain, uid }: SimDomain, before: SimDomain | null): void {
    if (!isForeignKey(domain)) return;
    if (uid !== null) this.#adopted.set(uid, domain);
    else if (before?.uid != null) this.#adopted.delete(before.uid);
  }

  #remind(domain: SimDomain): void {
    const due = nextDue(domain, this.#lease);
    if (due !== null) this.#agenda.add(due, domain.domain);
  }

  #tell(key: string, domain: SimDomain | null, before: SimDomain | null): void {
    for (const listener of this.#listeners) listener(domain, before);
    for (const wake of this.#waiters.get(key) ?? []) wake();
  }

  #wait(key: string): Disposable & { next(): Promise<"change"> } {
    let turn = Promise.withResolvers<"change">();
    const waiters = this.#waiters.get(key) ?? new Set();
    const wake = () => {
      turn.resolve("change");
      turn = Promise.withResolvers();
    };
    this.#waiters.set(key, waiters.add(wake));
    return {
      next: () => turn.promise,
      [Symbol.dispose]: () => {
        waiters.delete(wake);
        if (waiters.size === 0 && this.#waiters.get(key) === waiters) {
          this.#waiters.delete(key);
        }
      },
    };
  }
}

function stopwatch(
  clock: Clock,
  ms: number | undefined,
): Disposable & { over: Promise<"time over"> } {
  const stop = new AbortController();
  const over = ms === undefined
    ? new Promise<never>(() => {})
    : clock.sleep(ms, stop.signal).then(() => "time over" as const);
  over.catch(() => {}); // stopped: nobody waits any more
  return { over, [Symbol.dispose]: () => stop.abort("waits no more") };
}

function abortOf(
  signal: AbortSignal,
): Disposable & { promise: Promise<never> } {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {}); // the race may be over before
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  return {
    promise,
    [Symbol.dispose]: () => signal.removeEventListener("abort", stop),
  };
}
