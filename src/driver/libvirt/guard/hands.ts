/**
 * What the guard does to a domain of libvirt's: `virsh suspend`, and SIGSTOP for
 * its QEMU when libvirt has not done that in time, cannot be asked, or may let
 * the guest go on by itself.
 *
 * What its owner paused is left alone, and nothing is resumed that was not seen
 * to run. libvirt goes on with what it was asked when whoever asked has gone, and
 * in no order that could be relied upon: so a virsh that does not answer in time
 * is left to wait, and a guest is resumed only once that has ended.
 *
 * @module
 */
import { systemClock } from "../../../sys/clock.ts";
import { isFrozen, readLiving } from "../../../sys/process_table.ts";
import type { Hands } from "../../guard/guard.ts";
import type { Deed, Held, Target } from "../../guard/protocol.ts";
import { SIGNAL_MS, stopProcess, thaw } from "../../guard/stopping.ts";
import { isLive, PAUSED, STATE } from "../domain_state.ts";
import { QemuProcesses } from "../qemu_process.ts";
import { lookAround, type Sighting } from "../sighting.ts";
import { isRunningAlready, Virsh } from "../virsh.ts";

/** A domain that the guard pauses when the lease is over. */
export interface LibvirtTarget extends Target {
  readonly uuid: string;
  /** How its daemon is asked. */
  readonly virsh: string;
  readonly uri: string;
}

/** How long libvirt may take to have a guest go on. */
const GO_MS = 3000;

/** How long a virsh waits for a suspension that nobody counts on any more. */
const SUSPEND_MS = 60_000;

/** More of them at once take longer each, and none would be done in time. */
const SUSPENDED_AT_ONCE = 8;

/** The hands of the libvirt driver's guard. */
export class LibvirtHands implements Hands<LibvirtTarget> {
  readonly #processes = new QemuProcesses();
  readonly #looks = new SharedLook();
  readonly #suspensions = new Suspensions();

  /** See `Hands.find`. Somebody may have started it anew by hand, which is the same run of its VM. */
  find(target: LibvirtTarget): LibvirtTarget | null {
    if (readLiving(target.process) !== null) return target;
    const { uuid } = target;
    const process = this.#processes.find([uuid]).get(uuid);
    return process === undefined ? null : { ...target, process };
  }

  /** See `Hands.isAlive`. */
  isAlive({ process }: LibvirtTarget): boolean {
    return readLiving(process) !== null;
  }

  /** See `Hands.hold`. */
  async hold(
    target: LibvirtTarget,
    known: Held<LibvirtTarget> | undefined,
    note: (did: Deed) => Promise<void>,
    ms: number,
  ): Promise<boolean> {
    if (isFrozen(target.process)) return known !== undefined;
    const until = systemClock.monotonic() + ms - SIGNAL_MS;
    let wasRunning = known?.wasRunning ?? false;
    try {
      const stance = stanceOf(await this.#looks.at(target, until));
      if (stance === "still") return known !== undefined;
      if (stance === "runs") {
        wasRunning = true;
        await note({ how: "virsh", wasRunning });
        const suspended = this.#suspensions.suspend(target, until);
        if (await inTime(suspended, until)) return true;
      }
    } catch {
      // The daemon is away, or does not answer in time.
    }
    await note({ how: "signal", wasRunning });
    await stopProcess(target.process, until + SIGNAL_MS);
    return true;
  }

  /** See `Hands.letGo`. */
  async letGo(held: Held<LibvirtTarget>): Promise<void> {
    const until = systemClock.monotonic() + GO_MS;
    await this.#thaw(held, until);
    // By the signal alone it is as it was before.
    if (!held.wasRunning) return;
    const sighting = await this.#looks.at(held, until);
    if (sighting === null) throw new Error("Libvirt does not know it now");
    if (!mayGoOn(sighting)) return;
    const resumed = virshOf(held, until).act(["resume", held.uuid]);
    const refusal = await inTime(resumed, until);
    // What libvirt was asked may never have been done.
    if (refusal === null || isRunningAlready(refusal)) return;
    throw new Error(refusal);
  }

  /** See `Hands.thaw`. */
  async thaw(held: Held<LibvirtTarget>): Promise<void> {
    await this.#thaw(held, systemClock.monotonic() + GO_MS);
  }

  async #thaw(held: Held<LibvirtTarget>, until: number): Promise<void> {
    thaw(held);
    await inTime(this.#suspensions.settled(held), until);
  }
}

/** Whether a guest runs, stands still until somebody says otherwise, or may do either by itself. */
type Stance = "runs" | "still" | "unsure";

function stanceOf(
  sighting: Pick<Sighting, "state" | "reason"> | null,
): Stance {
  switch (sighting?.state) {
    case STATE.running:
    case STATE.blocked:
      return "runs";
    case STATE.crashed:
      return "still";
    case STATE.paused:
      return GOES_ON_BY_ITSELF.has(sighting.reason) ? "unsure" : "still";
    default:
      // Asleep by its own will, shutting down, or not of this daemon.
      return "unsure";
  }
}

/** Reasons of a pause that libvirt itself ends: a move, a save, a dump, a snapshot, a start. */
const GOES_ON_BY_ITSELF: ReadonlySet<number> = new Set([
  PAUSED.migration,
  PAUSED.save,
  PAUSED.dump,
  PAUSED.shuttingDown,
  PAUSED.snapshot,
  PAUSED.startingUp,
]);

/** Of one that was sent to another node meanwhile, or has met with something else, others decide. */
function mayGoOn(sighting: Sighting): boolean {
  if (!isLive(sighting)) return false;
  const { state, reason } = sighting;
  if (state !== STATE.paused) return stanceOf(sighting) === "runs";
  return reason === PAUSED.user || reason === PAUSED.unknown;
}

function virshOf({ virsh, uri }: LibvirtTarget, until: number): Virsh {
  return new Virsh({ program: virsh, uri, timeoutMs: left(until) });
}

/** What libvirt is asked to suspend: a few domains at a time, the rest in their order. */
class Suspensions {
  /** What is under way, by uid. */
  readonly #pending = new Map<string, Promise<unknown>>();
  readonly #waiting: (() => void)[] = [];
  #free = SUSPENDED_AT_ONCE;

  /** Whether libvirt says that the domain stands still, and will; false also when it was not asked by `until`. */
  async suspend(target: LibvirtTarget, until: number): Promise<boolean> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((go) => this.#waiting.push(go));
    try {
      if (systemClock.monotonic() >= until) return false;
      return isStill(await this.#ask(target));
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }

  /** Resolves once nothing more is to be expected of what libvirt was asked. */
  async settled({ uid }: LibvirtTarget): Promise<void> {
    await this.#pending.get(uid);
  }

  async #ask(target: LibvirtTarget): Promise<string> {
    const { uid, uuid } = target;
    const until = systemClock.monotonic() + SUSPEND_MS;
    const words =
      `suspend ${uuid}; domstats --state ${uuid}; domjobinfo ${uuid}`;
    const asking = virshOf(target, until).ask([words]);
    const over = asking.then(() => {}, () => {});
    this.#pending.set(uid, over);
    try {
      return await asking;
    } finally {
      if (this.#pending.get(uid) === over) this.#pending.delete(uid);
    }
  }
}

/**
 * Whether that is told of a domain that was suspended. One that is being moved,
 * saved or copied libvirt lets go on by itself when that fails, whoever has
 * suspended it meanwhile.
 */
function isStill(text: string): boolean {
  const [, state] = /^ *state\.state=(\d+)$/m.exec(text) ?? [];
  const [, reason] = /^ *state\.reason=(\d+)$/m.exec(text) ?? [];
  const seen = { state: Number(state), reason: Number(reason) };
  return stanceOf(seen) === "still" && /^Job type: +None *$/m.test(text);
}

/** One look at what the daemon has, for all who ask beside each other. */
class SharedLook {
  #look: Promise<ReadonlyMap<string, Sighting>> | null = null;

  /** The domain as libvirt has it; null when it has none of it. Rejects when it does not say so in time. */
  async at(target: LibvirtTarget, until: number): Promise<Sighting | null> {
    const look = this.#look ??= lookAround(virshOf(target, until));
    try {
      return (await inTime(look, until)).get(target.uuid) ?? null;
    } finally {
      if (this.#look === look) this.#look = null;
    }
  }
}

/** What `work` comes to, if it does by `until`; a program that cannot even be ended keeps nobody waiting. */
function inTime<T>(work: Promise<T>, until: number): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  work.then(resolve, reject);
  const timer = systemClock.after(
    left(until),
    () => reject(new Error("No answer in time")),
  );
  return promise.finally(() => timer[Symbol.dispose]());
}

function left(until: number): number {
  return Math.max(1, Math.round(until - systemClock.monotonic()));
}
