/**
 * Migration in the qemu driver: the acts that the controller asks for, one at a
 * time for each domain but for the sending, which must not keep anybody from
 * cutting the power or calling it off.
 *
 * @module
 */
import type { Transfer } from "../../../schema/frame.ts";
import type { PeerMessage, Progress } from "../../../schema/operation.ts";
import type {
  DomainPlan,
  DomainReport,
  Migration,
  Peers,
} from "../../driver.ts";
import { absent, requireDomain } from "../../absent.ts";
import { POWERED_OFF } from "../../ending.ts";
import { readMessage } from "../../peer_message.ts";
import { cannotNow, hasItAlready, refuseOnTheMove } from "../../refusals.ts";
import type { Starts } from "../../starts.ts";
import { type Turns, untilAborted } from "../../turns.ts";
import { Domain } from "../domain.ts";
import type { QemuEnvironment } from "../environment.ts";
import { removeAll } from "../forget.ts";
import { newHandle } from "../handle.ts";
import { endCarrier } from "./carrier.ts";
import { keepMove, type MoveParts, newMove } from "./moves.ts";
import { makeOffer } from "./offer.ts";
import { isCopy, Offer, Ticket } from "./record.ts";
import { Sameness } from "./sameness.ts";
import { Sending } from "./sending.ts";
import { checkGone, putAside, takeBack } from "./source.ts";
import { goOn, takeIn } from "./target.ts";
import { removeMade } from "./target_disks.ts";

/** What of the driver a migration works with. */
export interface MigrationParts {
  readonly env: QemuEnvironment;
  readonly peers: Peers;
  readonly domains: Map<string, Domain>;
  readonly turns: Turns;
  readonly starts: Starts;
}

/** The migrations of one driver. */
export class QemuMigration implements Migration {
  readonly #parts: MigrationParts;
  readonly #move: MoveParts;
  readonly #sendings = new Map<string, Sending>();

  constructor(parts: MigrationParts) {
    const { env, peers } = parts;
    this.#parts = parts;
    const sameness = new Sameness(env.layout.digestFile, env.log);
    this.#move = { env, peers, sameness };
  }

  /** Takes up what an earlier LNM was about to switch: until then those guests stand still. */
  resume(): void {
    for (const domain of this.#parts.domains.values()) {
      const { move } = domain.handle;
      const isHeld = move?.role === "source" && move.phase === "memory" &&
        domain.process !== null;
      if (!isHeld || move.ticket === null) continue;
      const { id, peer, live, postCopy, ticket } = move;
      const options = { autoConverge: true, postCopy };
      this.#sending(
        domain,
        { id, peer, live, options, offer: null, ticket },
        ticket,
      );
    }
  }

  /** See `Migration.offer`. */
  async offer(
    uid: string,
    transfer: Transfer,
    signal: AbortSignal,
  ): Promise<PeerMessage> {
    signal.throwIfAborted();
    const domain = this.#known(uid);
    const { move } = domain.handle;
    if (move?.role === "target") {
      throw cannotNow("move", domain, "it is not here yet");
    }
    return await untilAborted(
      makeOffer(this.#move.env, domain, transfer, this.#move.sameness),
      signal,
    );
  }

  /** See `Migration.receive`. */
  async receive(
    plan: DomainPlan,
    transfer: Transfer,
    signal: AbortSignal,
  ): Promise<PeerMessage> {
    signal.throwIfAborted();
    const offer = readMessage(Offer, transfer.offer, plan.name);
    const work = this.#parts.starts.join(
      plan.uid,
      (cancel) => this.#receive(planOf(plan, offer), transfer, offer, cancel),
    );
    await untilAborted(work, signal);
    const { move } = this.#known(plan.uid).handle;
    if (move?.id === transfer.id && move.ticket !== null) return move.ticket;
    throw cannotNow("take in", this.#known(plan.uid), "it is here already");
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
    const { move, name } = domain.handle;
    if (move !== null && (move.role === "target" || move.id !== transfer.id)) {
      throw cannotNow("send", domain, "another migration of it is not over");
    }
    const ticket = readMessage(Ticket, transfer.ticket, name);
    const sending = this.#sending(domain, transfer, ticket);
    using _listening = sending.listen(onProgress);
    await untilAborted(sending.done, signal);
    return domain.report();
  }

  /** See `Migration.activate`. */
  async activate(
    uid: string,
    _transfer: Transfer,
    signal: AbortSignal,
  ): Promise<DomainReport> {
    return await this.#parts.turns.inTurn(uid, signal, async () => {
      const domain = this.#known(uid);
      await goOn(this.#move, domain);
      return domain.report();
    });
  }

  /** See `Migration.abort`. */
  async abort(
    uid: string,
    _transfer: Transfer,
    signal: AbortSignal,
  ): Promise<DomainReport> {
    return await this.#parts.turns.inTurn(uid, signal, async () => {
      const domain = this.#parts.domains.get(uid);
      if (domain === undefined) return absent(uid);
      await this.#endSending(uid);
      await takeBack(this.#move, domain);
      return domain.report();
    });
  }

  /** See `Migration.release`. */
  async release(
    uid: string,
    _transfer: Transfer,
    signal: AbortSignal,
  ): Promise<DomainReport> {
    return await this.#parts.turns.inTurn(uid, signal, async () => {
      const domain = this.#parts.domains.get(uid);
      if (domain !== undefined) {
        await checkGone(domain);
        await this.#endSending(uid);
        await this.#clearAway(domain);
      }
      return absent(uid);
    });
  }

  /** Throws `wrong_state` for what must not be done to a domain on the move. */
  refuseWhileMoving(domain: Domain, act: string): void {
    refuseOnTheMove(domain, act);
  }

  /** Throws `wrong_state` for the start of a domain that is elsewhere, or on its way. */
  refuseStart(domain: Domain): void {
    if (domain.process === null || isCopy(domain.handle.move)) {
      this.refuseWhileMoving(domain, "start");
    }
  }

  /** The power of `domain` was cut: whatever move there was is over. */
  async powerCut(domain: Domain): Promise<void> {
    const { move, uid, ending } = domain.handle;
    if (move === null) return;
    await this.#endSending(uid);
    await endCarrier(this.#move.env, uid);
    if (isCopy(move)) await removeMade(move.made);
    domain.handle = { ...domain.handle, ending: ending ?? POWERED_OFF };
    await keepMove(domain, null);
  }

  /** Lets go of what is being sent; QEMU goes on. */
  async close(): Promise<void> {
    await Promise.allSettled(
      [...this.#sendings.values()].map(({ done }) => done),
    );
  }

  async #receive(
    plan: DomainPlan,
    transfer: Transfer,
    offer: Offer,
    cancel: AbortSignal,
  ): Promise<DomainReport> {
    const { domains, env } = this.#parts;
    const there = domains.get(plan.uid);
    if (there !== undefined) {
      if (await isTakenIn(there, transfer.id)) return there.report();
      if (!isCopy(there.handle.move)) throw hasItAlready(plan.name, env.node);
      // An attempt that came to nothing.
      await this.#clearAway(there);
    }
    const move = newMove(transfer, "target", offer.paused);
    const domain = new Domain(env, newHandle(plan, env.bootId, move));
    domains.set(plan.uid, domain);
    try {
      await takeIn(this.#move, domain, plan, transfer, offer, cancel);
      return domain.report();
    } catch (error) {
      // An LNM that ends leaves what there is to the next.
      if (!env.closing.aborted) await this.#clearAway(domain);
      throw error;
    }
  }

  /** Removes all that is here of a domain that is elsewhere. */
  async #clearAway(domain: Domain): Promise<void> {
    const { env, domains } = this.#parts;
    const { uid, name, move } = domain.handle;
    await domain.cutPower();
    await endCarrier(env, uid);
    if (move !== null && isCopy(move)) await removeMade(move.made);
    await putAside(domain);
    await domain.settled();
    await removeAll(env.layout, uid);
    domains.delete(uid);
    env.publish({ ...absent(uid), name });
  }

  #sending(domain: Domain, transfer: Transfer, ticket: Ticket): Sending {
    const { uid } = domain.handle;
    const known = this.#sendings.get(uid);
    if (known?.id === transfer.id) return known;
    const sending = new Sending(this.#move, domain, transfer, ticket);
    this.#sendings.set(uid, sending);
    const forget = () => {
      if (this.#sendings.get(uid) === sending) this.#sendings.delete(uid);
    };
    sending.done.then(forget, forget);
    return sending;
  }

  async #endSending(uid: string): Promise<void> {
    const sending = this.#sendings.get(uid);
    sending?.end();
    await sending?.done.catch(() => {});
  }

  #known(uid: string): Domain {
    return requireDomain(this.#parts.domains.get(uid), uid);
  }
}

/** Whether a domain waits here for what this transfer sends, or has come by it. */
async function isTakenIn(domain: Domain, id: string): Promise<boolean> {
  const { move } = domain.handle;
  if (move?.role !== "target" || move.id !== id || move.ticket === null) {
    return false;
  }
  return !move.live || await domain.attach();
}

/** The plan with what the source says of its domain; its machine is the one that runs there. */
function planOf(plan: DomainPlan, { spec, machine }: Offer): DomainPlan {
  const as = spec ?? plan.spec;
  if (machine === null) return { ...plan, spec: as };
  return { ...plan, spec: { ...as, qemu: { ...as.qemu, machine } } };
}
