/**
 * The guard: holds the end of the node's lease, and pauses its domains when
 * that is over.
 *
 * It decides by its own clock and on what it was told last, and needs nobody:
 * that the LNM, the network or the controller are gone is what it is for. What
 * it holds is written down before it is touched, so the next guard, and the
 * LNM, know what was paused by a guard and what by its owner.
 *
 * Requests and looks take turns, so a release never meets a pause half way.
 *
 * @module
 */
import { STOP_MS } from "../../core/lease.ts";
import type { Answer, Deed, Held, Request, Target } from "./protocol.ts";

/** After a domain was seen to be paused it is looked at again so often. */
const AGAIN_MS = 1000;

/** What the guard may do to the domains of one driver. */
export interface Hands<T extends Target> {
  /**
   * The domain with the process that runs it now, which may be another than it
   * was told of; null while there is none.
   */
  find(target: T): T | null;
  /** Whether the very process lives that is named here. */
  isAlive(target: T): boolean;
  /**
   * Pauses the domain, whatever its hypervisor is doing, within `ms`; `note` is
   * called, and waited for, before anything is done to it. Answers false when
   * it did not run: then it is not ours.
   */
  hold(
    target: T,
    known: Held<T> | undefined,
    note: (did: Deed) => Promise<void>,
    ms: number,
  ): Promise<boolean>;
  /** Lets a domain go on that was held. */
  letGo(held: Held<T>): Promise<void>;
  /** Undoes what keeps its hypervisor from answering, for somebody else to resume it. */
  thaw(held: Held<T>): Promise<void>;
}

/** What a guard works with. */
export interface GuardParts<T extends Target> {
  readonly hands: Hands<T>;
  /** Boot time, in ms. */
  boot(): number;
  /** Now, ISO 8601. */
  now(): string;
  /** Keeps what is held; resolves once it is written. */
  save(held: readonly Held<T>[]): Promise<void>;
  log(message: string, fields: Record<string, unknown>): void;
}

/** One node's guard. */
export class Guard<T extends Target> {
  readonly #parts: GuardParts<T>;
  #targets = new Map<string, T>();
  readonly #held = new Map<string, Held<T>>();
  /** When each was last seen to be paused, in boot time. */
  readonly #seen = new Map<string, number>();
  #until: number | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #saving: Promise<void> = Promise.resolve();
  #nextSave: Promise<void> | null = null;

  constructor(parts: GuardParts<T>, held: readonly Held<T>[]) {
    this.#parts = parts;
    for (const one of held) this.#held.set(one.uid, one);
  }

  /** Whether there is nothing to do for it: no domain lives. */
  get isIdle(): boolean {
    const { hands } = this.#parts;
    const targets = [...this.#targets.values()];
    // To find one whose process has ended takes more than to look whether any is left.
    return ![...targets, ...this.#held.values()].some(hands.isAlive, hands) &&
      targets.every((target) => hands.find(target) === null);
  }

  /** Does what is asked, in its turn. */
  ask(request: Request<T>): Promise<Answer> {
    return this.#take(async () => {
      switch (request.do) {
        case "renew":
          this.#renew(request.until, request.targets);
          break;
        case "release":
          if (request.until > this.#parts.boot()) {
            await this.#each(request.uids, (held) => this.#release(held));
          }
          break;
        case "drop":
          await this.#each(
            request.uids,
            (held) => this.#parts.hands.thaw(held),
          );
      }
      await this.#forgetDead();
      return this.#answer();
    });
  }

  /** Looks at the time, and does what it says. */
  look(): Promise<void> {
    return this.#take(async () => {
      const now = this.#parts.boot();
      if (this.#until === null || now < this.#until) return;
      await this.#forgetDead();
      const due = [...this.#targets.values()].filter(({ uid }) =>
        now - (this.#seen.get(uid) ?? -AGAIN_MS) >= AGAIN_MS
      );
      const { hands } = this.#parts;
      await Promise.all(due.map(async (target) => {
        const found = hands.find(target);
        if (found !== null) return await this.#hold(found);
        // It may be started by hand at any time.
        this.#seen.set(target.uid, now);
      }));
    });
  }

  #take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  #renew(until: number, targets: readonly T[]): void {
    this.#targets = new Map(targets.map((target) => [target.uid, target]));
    // An answer that was late takes no time away that was given since.
    this.#until = Math.max(until, this.#until ?? 0);
    this.#seen.clear();
  }

  async #hold(target: T): Promise<void> {
    const { hands, log, boot } = this.#parts;
    const { uid, incarnation } = target;
    const before = this.#held.get(uid);
    const known = before?.incarnation === incarnation ? before : undefined;
    try {
      const note = async (did: Deed) => {
        this.#held.set(uid, { ...target, ...did, at: this.#parts.now() });
        await this.#save();
        log("the lease is over: a domain is paused", { uid, ...did });
      };
      await hands.hold(target, known, note, STOP_MS);
      this.#seen.set(uid, boot());
    } catch (error) {
      log("a domain could not be paused; it is tried again", {
        uid,
        error: String(error),
      });
    }
  }

  async #release(held: Held<T>): Promise<void> {
    await this.#parts.hands.letGo(held);
    this.#parts.log("a domain goes on", { uid: held.uid });
  }

  /** Does `work` to those of `uids` that are held, and forgets them once it is done. */
  async #each(
    uids: readonly string[],
    work: (held: Held<T>) => Promise<void>,
  ): Promise<void> {
    const { hands, log } = this.#parts;
    await Promise.all(uids.map(async (uid) => {
      const held = this.#held.get(uid);
      if (held === undefined) return;
      try {
        if (hands.isAlive(held)) await work(held);
        this.#held.delete(uid);
        this.#seen.delete(uid);
      } catch (error) {
        log("a domain does not go on; it is tried again when asked", {
          uid,
          error: String(error),
        });
      }
    }));
    await this.#save();
  }

  async #forgetDead(): Promise<void> {
    const { hands } = this.#parts;
    const dead = [...this.#held.values()].filter((held) =>
      !hands.isAlive(held)
    );
    for (const { uid } of dead) {
      this.#held.delete(uid);
      this.#seen.delete(uid);
    }
    if (dead.length > 0) await this.#save();
  }

  /**
   * Never rejects: that a domain is paused matters more than that it is known.
   * One write serves all who ask before it begins, and none overtakes another.
   */
  #save(): Promise<void> {
    const { save, log } = this.#parts;
    this.#nextSave ??= this.#saving.then(() => {
      this.#nextSave = null;
      this.#saving = save([...this.#held.values()]).catch((error) =>
        log("cannot write down what is held", { error: String(error) })
      );
      return this.#saving;
    });
    return this.#nextSave;
  }

  #answer(): Answer {
    const { hands } = this.#parts;
    const alive = [...this.#targets.values()].filter((target) =>
      hands.find(target) !== null
    );
    return { guarded: runsOf(alive), held: runsOf([...this.#held.values()]) };
  }
}

function runsOf(targets: readonly Target[]): Record<string, string> {
  return Object.fromEntries(
    targets.map(({ uid, incarnation }) => [uid, incarnation]),
  );
}
