/**
 * The contract between usher and a hypervisor.
 *
 * A driver turns a handful of verbs into what its hypervisor speaks: QMP, the
 * words of `virsh` or `xl`, or nothing at all (`sim`). Every driver
 * keeps these promises, and `tests/conformance/driver.ts` holds each to them:
 *
 *  1. Verbs are idempotent: starting a running domain, stopping a stopped one,
 *     pausing a paused one and forgetting an absent one succeed and change
 *     nothing.
 *  2. `list` is the truth about this node. The rest of usher believes it over
 *     anything in the store. A driver that cannot look throws `unavailable`,
 *     and never lists less than there is: what it leaves out has ended.
 *  3. A handle outlives usher: after a restart of the LNM, `list` and every
 *     verb need nothing but what the driver kept in its state directory, and
 *     a domain whose handle was lost is found all the same.
 *  4. Aborting a signal stops the waiting, never the domain.
 *  5. A start that fails leaves no domain and nothing of it behind that a
 *     second start could trip over.
 *  6. There is never more than one domain of one uid, however often and
 *     however much at once `start` is called.
 *  7. A domain that ends by itself is reported without being asked for, as
 *     `stopped` when the guest shut down and as `crashed` otherwise, with the
 *     evidence in `reason`.
 *  8. `stop` with a grace asks the guest; when the grace is over it throws
 *     `timed_out` and the domain runs on. `stop` without one cuts the power
 *     and succeeds whatever the guest or the hypervisor's process is doing.
 *  9. `forget` removes all that the driver kept of a stopped domain, and only
 *     that: never a disk that the user named.
 * 10. What was given to `start` is kept with the domain: uid, name,
 *     generation and incarnation come back in every report, the spec in what
 *     `inspect` tells; a lost handle may have taken the spec with it.
 *     A start of an older generation than the driver knows of a domain is
 *     refused with `stale`.
 * 11. The driver's program dying with, or because of, the LNM is impossible.
 *
 * What a person sees is the same under every hypervisor:
 *
 * 17. The states that `watch` tells for a verb are those of `STATES_TOLD`, in
 *     that order; a reader that is slow sees fewer of them, never others.
 * 18. What the hypervisor said when it refused stands in the error's message,
 *     in its own words.
 * 19. A domain that usher did not make is listed with what is known of it and
 *     is touched by no verb, not even one for a VM whose name it has; that is
 *     refused as `already_exists` where the hypervisor allows a name once.
 *
 * Optional abilities are optional members: presence is the capability.
 *
 * @module
 */
import type { Transfer } from "../schema/frame.ts";
import type { Capacity, DriverOffers } from "../schema/node.ts";
import type { PeerMessage, Progress } from "../schema/operation.ts";
import type { DomainState, VmSpec } from "../schema/vm.ts";
import type { Counters } from "../sys/counters.ts";
import type { Guarding } from "./guarding.ts";
import type { Peers } from "./peers.ts";

export type { Guarding, GuardReport } from "./guarding.ts";
export type { PeerCredentials, Peers } from "./peers.ts";

/** What this node can do with the driver right now. */
export type Probe =
  | { readonly health: "undetected"; readonly reason: string }
  | { readonly health: "unhealthy"; readonly reason: string }
  | {
    readonly health: "healthy";
    readonly version: string;
    readonly attributes: Readonly<Record<string, string>>;
    /**
     * What there is for guests, where the system that the LNM runs in sees
     * another machine than they get: a dom0, or the near end of a connection.
     */
    readonly machine?: Capacity;
  };

/** What a start needs to know; everything in it was validated before. */
export interface DomainPlan {
  /** The VM's uid; also the domain's key in every other verb. */
  readonly uid: string;
  /** The VM's full name, for people who look at the hypervisor. */
  readonly name: string;
  readonly generation: number;
  /** The operation that starts it; tells one run of a VM from the next. */
  readonly incarnation: string;
  readonly spec: VmSpec;
  /**
   * A guard on another node keeps a paused copy, which will never go on: its
   * locks on shared disks are to be passed over.
   */
  readonly isHeldElsewhere?: boolean | undefined;
}

/**
 * The states that `watch` may tell while a verb is carried out, in their order,
 * each once; the last is told always. `shutdown` is a stop with a grace,
 * `refused` one that the guest ignores, `end` the guest's own doing.
 */
export const STATES_TOLD = {
  start: ["starting", "running"],
  pause: ["paused"],
  resume: ["running"],
  shutdown: ["stopping", "stopped"],
  refused: ["stopping", "running"],
  poweroff: ["stopping", "stopped"],
  end: ["stopping", "stopped"],
  crash: ["crashed"],
} as const satisfies Readonly<Record<string, readonly DomainState[]>>;

/** What a driver says about one domain. */
export interface DomainReport {
  /** The uid given at start; null for a domain that usher did not make. */
  readonly uid: string | null;
  /** The driver's own name for it, unique on the node. */
  readonly domain: string;
  /** The VM's full name; for a foreign domain what the hypervisor calls it. */
  readonly name: string;
  readonly state: DomainState;
  /** Why, with evidence, for people; may be empty when running. */
  readonly reason: string;
  readonly incarnation: string | null;
  readonly generation: number;
  /** The guard paused it when the node's lease was over. */
  readonly held?: boolean;
  /** Memory and processors of a foreign domain, where known. */
  readonly memoryMiB?: number;
  readonly vcpus?: number;
  /** What a domain of ours was started with, where that is known still; `inspect` alone tells it. */
  readonly spec?: VmSpec;
}

/** How a domain is stopped: asked with a grace, or cut off. */
export interface StopOptions {
  /** How long the guest may take to shut down; 0 cuts the power at once. */
  readonly graceMs: number;
  readonly signal: AbortSignal;
}

/** Counters of one domain since it was started; null where unknown. */
export type DomainCounters = Counters;

/** A hypervisor, as the LNM sees it. Every wait takes a signal. */
export interface Driver extends AsyncDisposable {
  readonly name: string;
  /** What of a spec it can give, whatever this node has; the node tells it. */
  readonly offers?: DriverOffers;

  /** Looks at the machine. Bounded in time; the answer may be remembered. */
  probe(signal: AbortSignal): Promise<Probe>;
  /**
   * Starts a domain and returns once it runs. Throws `invalid_input` for what
   * this node has not got, `busy` when another VM holds what it needs, and
   * `driver_failed` when the hypervisor refuses.
   */
  start(plan: DomainPlan, signal: AbortSignal): Promise<DomainReport>;
  /** See promise 8. */
  stop(uid: string, options: StopOptions): Promise<DomainReport>;
  /** Frees what a stopped domain left on the node. Throws `wrong_state` if it runs. */
  forget(uid: string, signal: AbortSignal): Promise<void>;
  /** One domain; state `absent` when there is none. */
  inspect(uid: string, signal: AbortSignal): Promise<DomainReport>;
  /** Every domain of this hypervisor, foreign ones included. */
  list(signal: AbortSignal): Promise<readonly DomainReport[]>;
  /**
   * Reports changes as they happen, until the signal aborts. Each report is
   * the domain's newest state; a slow reader sees the newest, not all.
   */
  watch(signal: AbortSignal): AsyncIterable<DomainReport>;
  /** Counters of every running domain of ours, by uid. */
  counters(signal: AbortSignal): Promise<ReadonlyMap<string, DomainCounters>>;
  /**
   * What the machine of `Probe.machine` has used in all, where its own system
   * cannot tell; what is not among it, that system counts.
   */
  machineCounters?(signal: AbortSignal): Promise<Partial<Counters>>;

  readonly pausing?: Pausing;
  readonly console?: Console;
  readonly migration?: Migration;
  readonly guarding?: Guarding;
  readonly adoption?: Adoption;
}

/** Freezing a domain in memory. */
export interface Pausing {
  pause(uid: string, signal: AbortSignal): Promise<DomainReport>;
  resume(uid: string, signal: AbortSignal): Promise<DomainReport>;
}

/** The serial line. */
export interface Console {
  /** The newest `maxBytes` of what the guest printed. */
  history(uid: string, maxBytes: number): Promise<Uint8Array>;
  /** A two-way stream; closing it never touches the domain. Several may be open. */
  attach(uid: string, signal: AbortSignal): Promise<ConsoleStream>;
}

/** Both directions of one serial line. */
export interface ConsoleStream extends AsyncDisposable {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/**
 * Moving a domain to the same driver of another node.
 *
 * The controller calls, in this order: `offer` at the source, `receive` at the
 * target, `send` at the source, and, once its decision is durable, `activate`
 * at the target and `release` at the source. Before `activate` the domain is
 * the source's, and the target's copy never runs; from then on it is the
 * target's. Each is idempotent by the transfer's id, and each finds what an
 * earlier LNM left.
 *
 * 12. The guest never runs in two places: the target's copy stays paused until
 *     `activate`, and the source's does not run by itself once `send` has
 *     succeeded.
 * 13. A migration that fails, at whatever point before `activate`, is undone by
 *     `abort` at the source, where the domain is as it was, and by `release`
 *     at the target, where nothing of it is left.
 * 14. A target never overwrites a file that was there before.
 *
 * Both copies report state `migrating` while they must not run; the source's
 * reports `running` for as long as the guest runs there.
 */
export interface Migration {
  /** At the source: what the target must know. Throws `unsupported` for what cannot be moved. */
  offer(
    uid: string,
    transfer: Transfer,
    signal: AbortSignal,
  ): Promise<PeerMessage>;
  /** At the target: makes ready to take the domain in; answers where to send it. */
  receive(
    plan: DomainPlan,
    transfer: Transfer,
    signal: AbortSignal,
  ): Promise<PeerMessage>;
  /**
   * At the source: sends disks and memory; resolves when the target has
   * everything. Goes on when the signal aborts; `abort` ends it.
   */
  send(
    uid: string,
    transfer: Transfer,
    onProgress: (progress: Progress) => void,
    signal: AbortSignal,
  ): Promise<DomainReport>;
  /**
   * At the target, which has everything: the domain runs (or is paused, or
   * stopped, as it was) from now on here. One that has ended here in the
   * meantime is this node's too, and `crashed`.
   */
  activate(
    uid: string,
    transfer: Transfer,
    signal: AbortSignal,
  ): Promise<DomainReport>;
  /** At the source: ends a migration that was not switched; the domain is as it was before. */
  abort(
    uid: string,
    transfer: Transfer,
    signal: AbortSignal,
  ): Promise<DomainReport>;
  /**
   * At the node that the domain is not on: what is there of it goes, with the
   * copies that usher made. Throws `wrong_state` when it runs there.
   */
  release(
    uid: string,
    transfer: Transfer,
    signal: AbortSignal,
  ): Promise<DomainReport>;
}

/**
 * Taking over domains that usher did not make, where the administrator says so.
 *
 * 20. Adopting touches nothing that the guest, its owner or the hypervisor's
 *     other tools could notice. From then on the domain is told with its uid and
 *     the same `domain` as before, and every verb knows it by that uid.
 * 21. What was there before usher is not usher's to remove: `forget` gives an
 *     adopted domain back as it is, defined where it was defined.
 */
export interface Adoption {
  /**
   * Makes the foreign domain that the driver calls `domain` the domain of
   * `identity.uid`, durably; asked again, it changes nothing. The report's
   * `spec` is what the domain is, in usher's words, which a later start gives
   * it again. Throws `not_found` when there is no such domain, and
   * `unsupported` for one that no spec can describe, which stays foreign.
   */
  adopt(
    domain: string,
    identity: Pick<DomainPlan, "uid" | "name" | "generation" | "incarnation">,
    signal: AbortSignal,
  ): Promise<DomainReport>;
}

/** What every driver is made with. */
export interface DriverContext {
  /** The node's name, for messages: a person who reads them may sit elsewhere. */
  readonly node: string;
  /** A directory of the driver's own that survives the LNM. */
  readonly stateDir: string;
  /** A directory for sockets; short, since unix socket paths are. */
  readonly runDir: string;
  /** Absent where nothing migrates. */
  readonly peers?: Peers;
  /** Says something to the log, with fields. */
  log(
    level: "debug" | "info" | "warn" | "error",
    message: string,
    fields?: Record<string, unknown>,
  ): void;
}
