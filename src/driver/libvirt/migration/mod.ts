/**
 * Moving a domain to the libvirt of another node: `Migration` of the contract.
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
import { removeFiles, removeFromLibvirt } from "../forget.ts";
import { newHandle, saveHandle } from "../handle.ts";
import { makeImages, movedDisks, putAside, removeImages } from "./disks.ts";
import { Offer, readWords } from "./messages.ts";
import { cannotNow, endProcesses, type MoveParts } from "./moves.ts";
import { isCopy } from "./record.ts";
import { makeOffer, sendAway, takeBack } from "./source.ts";
import { checkRoom, isAwaited, letRun, listen, ticketOf } from "./target.ts";

/** What it works with. */
export interface MigrationParts extends MoveParts {
  readonly turns: Turns;
}

/** Migration between two daemons of libvirt. */
export class LibvirtMigration implements Migration {
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
    const { move, spec, ending } = domain.handle;
    if (move?.role === "target") {
      throw cannotNow("move", domain, "it is not here yet");
    }
    if (move?.id === transfer.id && spec !== null) {
      // Asked again while it is under way: what was said holds.
      const accel = await this.#parts.env.accel();
      const { paused } = move;
      const disks = await movedDisks(this.#parts.env, domain.handle, spec);
      return { v: 1, spec, accel, paused, disks, ending } satisfies Offer;
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
    const offer = readWords<Offer>(Offer, transfer.offer, plan.name);
    const its = { ...plan, spec: offer.spec };
    return await untilAborted(
      this.#parts.turns.take(
        plan.uid,
        () => this.#receive(its, transfer, offer),
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
      await this.#parts.book.look();
      const domain = this.#parts.book.domains.get(uid);
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
      await this.#parts.book.look();
      const domain = this.#parts.book.domains.get(uid);
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
  refuseWhileMoving({ handle: { move, name } }: Domain, act: string): void {
    if (move === null) return;
    const where = move.role === "target" ? "from" : "to";
    throw new UsherError(
      "wrong_state",
      `Cannot ${act} VM "${name}": it is on its way ${where} ${move.peer}`,
    );
  }

  /** The power of a domain on the move was cut: the move is over, with what came of it. */
  async powerCut(domain: Domain): Promise<void> {
    const { move, ending } = domain.handle;
    if (move === null) return;
    await endProcesses(domain);
    await this.#sendings.over(domain.handle.uid);
    const { uuid } = domain;
    await this.#parts.env.virsh.act(["destroy", uuid]).catch(() => {});
    const state = { state: "stopped", reason: "powered off" } as const;
    await domain.keep({ move: null, ending: ending ?? state });
    await this.#parts.book.look();
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
    const { book, env } = this.#parts;
    await book.look();
    const there = book.domains.get(plan.uid);
    if (there !== undefined) {
      const { move } = there.handle;
      const isSame = move?.role === "target" && move.id === transfer.id;
      if (isSame && await isAwaited(there)) {
        return await ticketOf(this.#parts, there);
      }
      if (move?.phase !== "waiting") throw isThere(plan.name, env.node);
      // An attempt that came to nothing.
      await this.#clearAway(there);
    }
    await checkRoom(this.#parts, plan, offer, transfer.live);
    const domain = new Domain(env, {
      ...newHandle(plan, env.bootId),
      ending: transfer.live ? null : offer.ending ?? NEVER_RAN,
      move: {
        id: transfer.id,
        role: "target",
        peer: transfer.peer,
        live: transfer.live,
        paused: offer.paused,
        phase: "waiting",
        made: {},
      },
    });
    if (
      book.foreign(domain.uuid) !== undefined ||
      book.holderOfName(plan.name, domain.uuid) !== null
    ) throw isThere(plan.name, env.node);
    await saveHandle(env.layout, domain.handle);
    book.add(domain);
    try {
      await makeImages(env, plan, offer.disks, async (made) => {
        const { move } = domain.handle;
        if (move !== null) await domain.keep({ move: { ...move, made } });
      });
      await listen(this.#parts, domain, transfer);
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
    const { env, book } = this.#parts;
    const { uid, name } = domain.handle;
    await endProcesses(domain);
    await this.#sendings.over(uid);
    await domain.settled();
    await removeFromLibvirt(env, domain);
    const { move, spec } = domain.handle;
    if (move?.role === "target") await removeImages(move.made);
    else if (move !== null && spec !== null) await putAside(spec, move.id);
    await removeFiles(env.layout, uid);
    book.remove(domain);
    env.publish({ ...absent(uid), name });
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
    const domain = this.#parts.book.domains.get(uid);
    if (domain !== undefined) return domain;
    throw new UsherError("not_found", `Cannot find domain ${uid}`);
  }
}

const NEVER_RAN = { state: "stopped", reason: "never ran" } as const;

function isThere(name: string, node: string): UsherError {
  return new UsherError(
    "already_exists",
    `Cannot move VM "${name}" to node "${node}": there is a domain of it, or of its name, already`,
  );
}
