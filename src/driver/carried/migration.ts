/**
 * `Migration` of the contract, for drivers whose hypervisor sends a domain by a
 * tool of its own, between two processes of usher's that carry it.
 *
 * Here stands what is the same under each: which act may follow which, that each
 * may come again and find what an earlier LNM left, who waits for whom, and what
 * is cleared away of a move that is over. What a hypervisor is asked, and when it
 * is believed, stands with its driver, in the members of `MoveActs`.
 *
 * @module
 */
import type { ZodType } from "zod";
import type { Transfer } from "../../schema/frame.ts";
import type { PeerMessage, Progress } from "../../schema/operation.ts";
import type { VmSpec } from "../../schema/vm.ts";
import { absent, requireDomain } from "../absent.ts";
import type { DomainPlan, DomainReport, Migration } from "../driver.ts";
import { POWERED_OFF } from "../ending.ts";
import { cannotNow, hasItAlready, refuseOnTheMove } from "../refusals.ts";
import { readMessage } from "../peer_message.ts";
import { type Turns, untilAborted } from "../turns.ts";
import type { MovingDomain } from "./domain.ts";
import { isCopy } from "./record.ts";
import { Sendings } from "./sendings.ts";
import { isAwaited } from "./target.ts";

/** What a driver does itself of a move, in the order of one. `D` is its domain, `O` what its source says of one. */
export interface MoveActs<D extends MovingDomain, O> {
  /** The domain `uid`, without asking anybody. */
  known(uid: string): D | undefined;
  /** The domain `uid`, as the hypervisor has it now. */
  find(uid: string): Promise<D | undefined>;

  /** At the source: what the target must know; the same when it is asked again. Throws `unsupported` for what cannot be moved. */
  offer(
    domain: D,
    transfer: Transfer,
    signal: AbortSignal,
  ): Promise<PeerMessage>;
  /** How the target reads that. */
  readonly offered: ZodType<O>;
  /** At the target: a domain that is kept and known from then on. Throws for what this node cannot take in. */
  takeOn(plan: DomainPlan, transfer: Transfer, offer: O): Promise<D>;
  /** Has all there that the domain needs to come, up to a process that awaits it. */
  makeReady(
    domain: D,
    plan: DomainPlan,
    transfer: Transfer,
    offer: O,
  ): Promise<void>;
  /** Where it is awaited, once that is known. */
  ticketOf(domain: D): Promise<PeerMessage>;
  /** At the source: sends it, or goes on where an earlier LNM was. In the end it stands still, and is kept as `sent`; such a one is not sent again. */
  send(
    domain: D,
    transfer: Transfer,
    onProgress: (progress: Progress) => void,
  ): Promise<void>;
  /** At the target: has it go on here, and the move is over. One that has ended meanwhile has ended here. */
  letRun(domain: D): Promise<void>;

  /** At the source: the move is over, and the guest as it was before. Does nothing for a domain that does not leave. */
  takeBack(domain: D): Promise<void>;
  /** Ends the processes of its move, so that nothing can let it go on any more. */
  endProcesses(domain: D): Promise<void>;
  /** Ends what the hypervisor has of it. */
  cut(domain: D): Promise<void>;
  /** Removes all that is here of a domain that is elsewhere, what the hypervisor has of it first. */
  remove(domain: D): Promise<void>;
}

/** What a driver's migrations know of their node. */
export interface Here {
  readonly node: string;
  /** Aborts when the LNM ends. */
  readonly closing: AbortSignal;
  /** Tells whoever watches. */
  publish(report: DomainReport): void;
}

/** The migrations of one driver. */
export class CarriedMigration<
  D extends MovingDomain,
  O extends { readonly spec: VmSpec },
> implements Migration {
  readonly #here: Here;
  readonly #turns: Turns;
  readonly #acts: MoveActs<D, O>;
  readonly #sendings = new Sendings();

  constructor(here: Here, turns: Turns, acts: MoveActs<D, O>) {
    this.#here = here;
    this.#turns = turns;
    this.#acts = acts;
  }

  /** See `Migration.offer`. */
  async offer(
    uid: string,
    transfer: Transfer,
    signal: AbortSignal,
  ): Promise<PeerMessage> {
    signal.throwIfAborted();
    const domain = this.#known(uid);
    if (domain.handle.move?.role === "target") {
      throw cannotNow("move", domain, "it is not here yet");
    }
    const offer = this.#acts.offer(domain, transfer, signal);
    return await untilAborted(offer, signal);
  }

  /** See `Migration.receive`. */
  async receive(
    plan: DomainPlan,
    transfer: Transfer,
    signal: AbortSignal,
  ): Promise<PeerMessage> {
    signal.throwIfAborted();
    const { offered } = this.#acts;
    const offer = readMessage(offered, transfer.offer, plan.name);
    const its = { ...plan, spec: offer.spec };
    return await this.#turns.inTurn(
      plan.uid,
      signal,
      () => this.#takeIn(its, transfer, offer),
    );
  }

  /** See `Migration.send`. */
  async send(
    uid: string,
    transfer: Transfer,
    onProgress: (progress: Progress) => void,
    signal: AbortSignal,
  ): Promise<DomainReport> {
    signal.throwIfAborted();
    const domain = this.#known(uid);
    const { move } = domain.handle;
    if (move !== null && (move.role === "target" || move.id !== transfer.id)) {
      throw cannotNow("send", domain, "another migration of it is not over");
    }
    await this.#sendings.follow(
      uid,
      transfer,
      (onMore) => this.#send(domain, transfer, onMore),
      onProgress,
      signal,
    );
    return domain.report();
  }

  /** See `Migration.activate`. */
  activate(
    uid: string,
    _transfer: Transfer,
    signal: AbortSignal,
  ): Promise<DomainReport> {
    return this.#turns.inTurn(uid, signal, async () => {
      const domain = this.#known(uid);
      const { move } = domain.handle;
      if (move === null) return domain.report(); // it was let run before
      if (move.role !== "target") {
        throw cannotNow("activate", domain, "it did not come here");
      }
      await this.#acts.letRun(domain);
      return domain.report();
    });
  }

  /** See `Migration.abort`. */
  abort(
    uid: string,
    _transfer: Transfer,
    signal: AbortSignal,
  ): Promise<DomainReport> {
    return this.#turns.inTurn(uid, signal, async () => {
      const domain = this.#acts.known(uid) ?? await this.#acts.find(uid);
      if (domain === undefined) return absent(uid);
      await this.#acts.takeBack(domain);
      await this.#sendings.over(uid);
      // A sending that was at its last step may have kept that it was done.
      await this.#acts.takeBack(domain);
      return domain.report();
    });
  }

  /** See `Migration.release`. */
  release(
    uid: string,
    _transfer: Transfer,
    signal: AbortSignal,
  ): Promise<DomainReport> {
    return this.#turns.inTurn(uid, signal, async () => {
      const domain = await this.#acts.find(uid);
      if (domain === undefined) return absent(uid);
      const { move } = domain.handle;
      const isOver = move === null && !domain.isLive;
      if (!isOver && !isCopy(move)) {
        const why = `it is ${domain.report().state} here`;
        throw cannotNow("release", domain, why);
      }
      await this.#clearAway(domain);
      return absent(uid);
    });
  }

  /** Throws `wrong_state` for what must not be done to a domain on the move. */
  refuseWhileMoving(domain: D, act: string): void {
    refuseOnTheMove(domain, act);
  }

  /** The power of a domain is cut: the move that it was on is over, with what came of it. */
  async powerCut(domain: D): Promise<void> {
    const { move, ending, uid } = domain.handle;
    if (move === null) return;
    await this.#acts.endProcesses(domain);
    await this.#sendings.over(uid);
    await this.#acts.cut(domain);
    await domain.keep({ move: null, ending: ending ?? POWERED_OFF });
  }

  /** Resolves once nothing waits for a sending; what sends goes on. */
  async settled(): Promise<void> {
    await this.#sendings.settled();
  }

  async #send(
    domain: D,
    transfer: Transfer,
    onProgress: (progress: Progress) => void,
  ): Promise<void> {
    // By this transfer, or it would have been refused.
    if (domain.handle.move?.phase === "sent") return;
    await this.#acts.send(domain, transfer, onProgress);
  }

  async #takeIn(
    plan: DomainPlan,
    transfer: Transfer,
    offer: O,
  ): Promise<PeerMessage> {
    const there = await this.#acts.find(plan.uid);
    if (there !== undefined) {
      const { move } = there.handle;
      const isSame = move?.role === "target" && move.id === transfer.id;
      if (isSame && await isAwaited(there)) {
        return await this.#acts.ticketOf(there);
      }
      if (move?.phase !== "waiting") {
        throw hasItAlready(plan.name, this.#here.node);
      }
      // An attempt that came to nothing.
      await this.#clearAway(there);
    }
    const domain = await this.#acts.takeOn(plan, transfer, offer);
    try {
      await this.#acts.makeReady(domain, plan, transfer, offer);
      const ticket = await this.#acts.ticketOf(domain);
      domain.publish();
      return ticket;
    } catch (error) {
      // An LNM that ends leaves what there is to the next.
      if (!this.#here.closing.aborted) await this.#clearAway(domain);
      throw error;
    }
  }

  /** Removes all that is here of a domain that is elsewhere. */
  async #clearAway(domain: D): Promise<void> {
    const { uid, name } = domain.handle;
    await this.#acts.endProcesses(domain);
    await this.#sendings.over(uid);
    await this.#acts.remove(domain);
    this.#here.publish({ ...absent(uid), name });
  }

  #known(uid: string): D {
    return requireDomain(this.#acts.known(uid), uid);
  }
}
