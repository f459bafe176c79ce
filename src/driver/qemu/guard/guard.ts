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
import { STOP_MS } from "../../../core/lease.ts";
import type { Answer, Held, Request, Target } from "./protocol.ts";

/** After a domain was seen to be paused it is looked at again so often. */
const AGAIN_MS = 1000;

/** What the guard may do to a domain. */
export interface Hands {
  isAlive(target: Target): boolean;
  /**
   * Pauses the domain, whatever its QEMU is doing, within `ms`; `note` is
   * called, and waited for, before anything is done to it. Answers false when
   * it did not run: then it is not ours.
   */
  hold(
    target: Target,
    known: Held | undefined,
    note: (held: Pick<Held, "how" | "wasRunning">) => Promise<void>,
    ms: number,
  ): Promise<boolean>;
  /** Lets a domain go on that was held. */
  letGo(held: Held): Promise<void>;
  /** Undoes what keeps its QEMU from answering, for somebody else to go on. */
  thaw(held: Held): void;
}

/** What a guard works with. */
export interface GuardParts {
  readonly hands: Hands;
  /** Boot time, in ms. */
  boot(): number;
  /** Now, ISO 8601. */
  now(): string;
  /** Keeps what is held; resolves once it is written. */
  save(held: readonly Held[]): Promise<void>;
  log(message: string, fields: Record<string, unknown>): void;
}

/** One node's guard. */
export class Guard {
  readonly #parts: GuardParts;
  #targets = new Map<string, Target>();
  readonly #held = new Map<string, Held>();
  /** When each was last seen to be paused, in boot time. */
  readonly #seen = new Map<string, number>();
  #until: number | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: GuardParts, held: readonly Held[]) {
    this.#parts = parts;
    for (const one of held) this.#held.set(one.uid, one);
  }

  /** Whether there is nothing to do for it: no domain lives. */
  get isIdle(): boolean {
    const { hands } = this.#parts;
    return [...this.#targets.values(), ...this.#held.values()]
      .every((target) => !hands.isAlive(target));
  }

  /** Does what is asked, in its turn. */
  ask(request: Request): Promise<Answer> {
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
          await this.#each(request.uids, (held) => {
            this.#parts.hands.thaw(held);
            return Promise.resolve();
          });
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
      await Promise.all(due.map((target) => this.#hold(target)));
    });
  }

  #take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  #renew(until: number, targets: readonly Target[]): void {
    this.#targets = new Map(targets.map((target) => [target.uid, target]));
    // An answer that was late takes no time away that was given since.
    this.#until = Math.max(until, this.#until ?? 0);
    this.#seen.clear();
  }

  async #hold(target: Target): Promise<void> {
    const { hands, log, boot } = this.#parts;
    const { uid, incarnation } = target;
    const before = this.#held.get(uid);
    const known = before?.incarnation === incarnation ? before : undefined;
    try {
      const note = async (did: Pick<Held, "how" | "wasRunning">) => {
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

  async #release(held: Held): Promise<void> {
    await this.#parts.hands.letGo(held);
    this.#parts.log("a domain goes on", { uid: held.uid });
  }

  /** Does `work` to those of `uids` that are held, and forgets them once it is done. */
  async #each(
    uids: readonly string[],
    work: (held: Held) => Promise<void>,
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
    for (const [uid, target] of this.#targets) {
      if (!hands.isAlive(target)) this.#targets.delete(uid);
    }
    const dead = [...this.#held.values()].filter((held) =>
      !hands.isAlive(held)
    );
    for (const { uid } of dead) this.#held.delete(uid);
    if (dead.length > 0) await this.#save();
  }

  /** Never rejects: that a domain is paused matters more than that it is known. */
  #save(): Promise<void> {
    const { save, log } = this.#parts;
    return save([...this.#held.values()]).catch((error) =>
      log("cannot write down what is held", { error: String(error) })
    );
  }

  #answer(): Answer {
    return { guarded: runsOf(this.#targets), held: runsOf(this.#held) };
  }
}

function runsOf(targets: ReadonlyMap<string, Target>): Record<string, string> {
  return Object.fromEntries(
    [...targets].map(([uid, { incarnation }]) => [uid, incarnation]),
  );
}
