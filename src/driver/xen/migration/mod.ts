/**
 * Moving a domain to another dom0: `Migration` of the contract.
 *
 * @module
 */
import { UsherError } from "../../../error/mod.ts";
import type { Transfer } from "../../../schema/frame.ts";
import type { PeerMessage, Progress } from "../../../schema/operation.ts";
import { absent } from "../../absent.ts";
import type { DomainPlan, DomainReport, Migration } from "../../driver.ts";
import { Sendings } from "../../sendings.ts";
import { type Turns, untilAborted } from "../../turns.ts";
import { Domain } from "../domain.ts";
import type { Domains } from "../domains.ts";
import { newHandle } from "../handle.ts";
import { destroyAll, removeTraces } from "../undo.ts";
import { Offer, readMessage } from "./messages.ts";
import { cannotNow, type MoveParts } from "./moves.ts";
import { isCopy } from "./record.ts";
import { endSending, makeOffer, sendAway, takeBack } from "./source.ts";
import {
  checkRoom,
  endReceiving,
  isAwaited,
  letRun,
  listen,
  ticketOf,
} from "./target.ts";

/** What it works with. */
export interface MigrationParts extends MoveParts {
  readonly domains: Domains;
  readonly turns: Turns;
}

/** Migration between two hosts of Xen. */
export class XenMigration implements Migration {
  readonly #parts: MigrationParts;
  readonly #sendings = new Sendings();

  constructor(parts: MigrationParts) {
    this.#parts = parts;
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
    if (domain.handle.move?.id === transfer.id) {
      // Asked again while it is under way: what was said holds.
      const { spec, ending } = domain.handle;
      return { v: 1, spec, ending };
    }
    return await untilAborted(
      makeOffer(this.#parts, domain, transfer, signal),
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
    const offer = readMessage<Offer>(Offer, transfer.offer, plan.name);
    return await untilAborted(
      this.#parts.turns.take(
        plan.uid,
        () => this.#receive({ ...plan, spec: offer.spec }, transfer, offer),
      ),
      signal,
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
      (onMore) => sendAway(this.#parts, domain, transfer, onMore),
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
    return this.#inTurn(uid, signal, async () => {
      const domain = this.#known(uid);
      await letRun(this.#parts, domain);
      return domain.report();
    });
  }

  /** See `Migration.abort`. */
  abort(
    uid: string,
    _transfer: Transfer,
    signal: AbortSignal,
  ): Promise<DomainReport> {
    return this.#inTurn(uid, signal, async () => {
      const domain = this.#parts.domains.get(uid);
      if (domain === undefined) return absent(uid);
      await takeBack(this.#parts, domain);
      await this.#sendings.over(uid);
      // A sending that was at its last step may have kept that it was done.
      await takeBack(this.#parts, domain);
      return domain.report();
    });
  }

  /** See `Migration.release`. */
  release(
    uid: string,
    _transfer: Transfer,
    signal: AbortSignal,
  ): Promise<DomainReport> {
    return this.#inTurn(uid, signal, async () => {
      await this.#parts.env.looks.fresh();
      const domain = this.#parts.domains.get(uid);
      if (domain === undefined) return absent(uid);
      const { move } = domain.handle;
      const isOver = move === null && !domain.isLive;
      const isHere = move?.phase === "activating";
      if (!isOver && (isHere || !isCopy(move))) {
        throw cannotNow(
          "release",
          domain,
          `it is ${domain.report().state} here`,
        );
      }
      await this.#clearAway(domain);
      return absent(uid);
    });
  }

  /** Throws `wrong_state` for what must not be done to a domain on the move. */
  refuseWhileMoving({ handle: { move, name } }: Domain, act: string): void {
    if (move === null) return;
    const where = move.role === "target" ? "from" : "to";
    throw new UsherError(
      "wrong_state",
      `Cannot ${act} VM "${name}": it is on its way ${where} ${move.peer}`,
    );
  }

  /** The power of a domain on the move is cut: the move is over, with what came of it. */
  async powerCut(domain: Domain): Promise<void> {
    const { move, ending } = domain.handle;
    if (move === null) return;
    await this.#end(domain);
    const state = { state: "stopped", reason: "powered off" } as const;
    await domain.keep({ move: null, ending: ending ?? state });
  }

  /** Resolves once nothing waits for a sending; what sends goes on. */
  async settled(): Promise<void> {
    await this.#sendings.settled();
  }

  async #receive(
    plan: DomainPlan,
    transfer: Transfer,
    offer: Offer,
  ): Promise<PeerMessage> {
    const { domains, env } = this.#parts;
    await env.looks.fresh();
    const there = domains.get(plan.uid);
    if (there !== undefined) {
      const { move } = there.handle;
      const isSame = move?.role === "target" && move.id === transfer.id;
      if (isSame && await isAwaited(there)) {
        return await ticketOf(this.#parts, there);
      }
      if (move?.role !== "target" || move.phase === "activating") {
        throw new UsherError(
          "already_exists",
          `Cannot move VM "${plan.name}" to node "${env.node}": there is a domain of it already`,
        );
      }
      // An attempt that came to nothing.
      await this.#clearAway(there);
    }
    await checkRoom(this.#parts, plan, transfer.live, env.closing);
    const domain = new Domain(
      env,
      newHandle(plan, env.bootId, {
        id: transfer.id,
        role: "target",
        peer: transfer.peer,
        live: transfer.live,
        phase: "waiting",
      }),
    );
    domains.add(domain);
    try {
      await listen(this.#parts, domain, plan, transfer, offer);
      const ticket = await ticketOf(this.#parts, domain);
      domain.publish();
      return ticket;
    } catch (error) {
      // An LNM that ends leaves what there is to the next.
      if (!env.closing.aborted) await this.#clearAway(domain);
      throw error;
    }
  }

  /** Removes all that is here of a domain that is elsewhere. */
  async #clearAway(domain: Domain): Promise<void> {
    const { env, domains } = this.#parts;
    const { uid, name } = domain.handle;
    await this.#end(domain);
    domain.console.close();
    await removeTraces(env, uid, domain);
    domains.delete(uid);
    env.publish({ ...absent(uid), name });
  }

  async #end(domain: Domain): Promise<void> {
    const { uid, name, move } = domain.handle;
    if (move?.role === "target") await endReceiving(this.#parts, domain);
    else {
      await endSending(domain);
      await this.#sendings.over(uid);
      await destroyAll(this.#parts.env, uid, name);
    }
  }

  #inTurn(
    uid: string,
    signal: AbortSignal,
    work: () => Promise<DomainReport>,
  ): Promise<DomainReport> {
    signal.throwIfAborted();
    return untilAborted(this.#parts.turns.take(uid, work), signal);
  }

  #known(uid: string): Domain {
    const domain = this.#parts.domains.get(uid);
    if (domain !== undefined) return domain;
    throw new UsherError("not_found", `Cannot find domain ${uid}`);
  }
}
