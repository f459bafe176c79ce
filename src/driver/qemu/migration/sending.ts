/**
 * Sending a domain, from its first disk to the switch.
 *
 * Each turn looks at what QEMU is doing and does what comes next, so it makes
 * no difference whether this LNM began it or an earlier one. QEMU itself sends;
 * this only decides, and at the switch nothing else lets the guest go on: so a
 * later LNM takes it up as soon as it opens the driver.
 *
 * @module
 */
import { UsherError } from "../../../error/mod.ts";
import type { Transfer } from "../../../schema/frame.ts";
import type { Progress } from "../../../schema/operation.ts";
import { systemClock } from "../../../sys/clock.ts";
import { JoinedSignal } from "../../../sys/joined_signal.ts";
import type { Domain } from "../domain.ts";
import { queryRunState } from "../monitor.ts";
import { Carrier, endCarrier } from "./carrier.ts";
import { command, type Commander } from "./commander.ts";
import {
  beginSending,
  isUnderWay,
  type MemoryStatus,
  memoryStatus,
  runStateAfter,
} from "./memory.ts";
import {
  areReady,
  checkMirrors,
  completeMirrors,
  listMirrors,
  type Mirror,
  startMirrors,
} from "./mirrors.ts";
import { freedOfTarget } from "./hanging.ts";
import { keepMove, type MoveParts, newMove } from "./moves.ts";
import { showItself } from "./peer_tls.ts";
import type { MoveRecord, Ticket } from "./record.ts";
import { Standstill } from "./standstill.ts";

/** Progress is told so often. */
const TELL_MS = 1000;
/** QEMU is looked at so often when it says nothing by itself. */
const LOOK_MS = 200;
/** How long a guest may stand still for a switch before that is given up. */
const HALT_MS = 15_000;
/** How long a target may take nothing before that is given up. */
const STILL_MS = 60_000;
/** A mirror is seen to go on when a piece of this size is there. */
const MIRROR_PIECE_BYTES = 16 * 2 ** 20;

/** One sending, by this LNM. */
export class Sending {
  readonly id: string;
  readonly done: Promise<void>;
  readonly #parts: MoveParts;
  readonly #domain: Domain;
  readonly #qemu: Commander;
  readonly #transfer: Transfer;
  readonly #ticket: Ticket;
  readonly #ended = new AbortController();
  readonly #listeners = new Set<(progress: Progress) => void>();
  #told: { at: number; phase: string; bytes: number } = {
    at: -Infinity,
    phase: "",
    bytes: 0,
  };

  readonly #still = new Standstill();
  /** Since when the guest stands still for the switch. */
  #haltedAt: number | null = null;

  constructor(
    parts: MoveParts,
    domain: Domain,
    transfer: Transfer,
    ticket: Ticket,
  ) {
    this.id = transfer.id;
    this.#parts = parts;
    this.#domain = domain;
    this.#qemu = freedOfTarget(domain);
    this.#transfer = transfer;
    this.#ticket = ticket;
    this.done = this.#run();
    this.done.catch(() => {}); // told to whoever asks
  }

  /** Has `onProgress` told how far it is, until the result is disposed of. */
  listen(onProgress: (progress: Progress) => void): Disposable {
    this.#listeners.add(onProgress);
    return { [Symbol.dispose]: () => void this.#listeners.delete(onProgress) };
  }

  /** Ends the deciding; what QEMU does, it goes on doing. */
  end(): void {
    this.#ended.abort(
      new UsherError(
        "cancelled",
        `The migration of VM "${this.#domain.handle.name}" was ended`,
      ),
    );
  }

  async #run(): Promise<void> {
    using either = new JoinedSignal(
      this.#ended.signal,
      this.#parts.env.closing,
    );
    const stop = either.signal;
    if (this.#move?.phase === "sent") return this.#checkCopy(this.#move);
    if (this.#move === null) await this.#begin();
    if (this.#transfer.live) await this.#sendLive(stop);
    else await this.#sendCold(stop);
  }

  get #move(): MoveRecord | null {
    const { move } = this.#domain.handle;
    return move?.role === "source" && move.id === this.id ? move : null;
  }

  /** What was sent is of use to the copy alone that took it in. */
  #checkCopy({ ticket }: MoveRecord): void {
    if (ticket?.copy === this.#ticket.copy) return;
    const { name } = this.#domain.handle;
    throw failed(name, "its target lost what was sent, and made a copy anew");
  }

  async #begin(): Promise<void> {
    const domain = this.#domain;
    const { state } = await domain.look();
    if (this.#transfer.live && state === "paused") await wake(domain);
    const move = newMove(this.#transfer, "source", state === "paused");
    await keepMove(domain, { ...move, ticket: this.#ticket });
  }

  async #sendLive(stop: AbortSignal): Promise<void> {
    const qemu = this.#qemu;
    if (this.#move?.phase === "disks") {
      await showItself(qemu, await this.#credentials());
      await this.#fill(qemu, stop);
      await this.#keep({ phase: "memory" });
      stop.throwIfAborted();
      const pauses = this.#ticket.disks.length > 0;
      await beginSending(qemu, this.#ticket, this.#transfer, pauses);
    }
    await this.#followMemory(stop);
  }

  async #sendCold(stop: AbortSignal): Promise<void> {
    const { env } = this.#parts;
    const { handle } = this.#domain;
    if (this.#ticket.disks.length > 0 && handle.spec !== null) {
      using carrier = await Carrier.open(env, handle, handle.spec);
      await showItself(carrier, await this.#credentials());
      await this.#fill(carrier, stop);
      while (!await completeMirrors(carrier, handle.name)) {
        await this.#next(stop);
      }
    }
    await endCarrier(env, handle.uid);
    this.#tell("switch", { done: 0, left: 0 });
    await this.#keep({ phase: "sent" });
  }

  /** The folder of this node's certificate, as QEMU takes it. */
  async #credentials(): Promise<string> {
    return (await this.#parts.peers.credentials()).folder;
  }

  /** Mirrors every disk until both ends are the same. */
  async #fill(qemu: Commander, stop: AbortSignal): Promise<void> {
    const ticket = this.#ticket;
    if (ticket.disks.length === 0) return;
    const { peer, options } = this.#transfer;
    const share = options.bandwidth === undefined
      ? undefined
      : Math.ceil(options.bandwidth / ticket.disks.length);
    await startMirrors(qemu, ticket, peer, share);
    const stillMs = STILL_MS + 2000 * MIRROR_PIECE_BYTES / (share ?? Infinity);
    for (;;) {
      stop.throwIfAborted();
      const mirrors = await listMirrors(qemu);
      checkMirrors(mirrors, ticket, this.#domain.handle.name);
      this.#tell("disks", amountOf(mirrors));
      if (areReady(mirrors)) return;
      this.#limitStill("its disks", amountOf(mirrors).done, stillMs);
      await this.#next(stop);
    }
  }

  async #followMemory(stop: AbortSignal): Promise<void> {
    for (;;) {
      stop.throwIfAborted();
      const now = await memoryStatus(this.#qemu);
      this.#tell("memory", { done: now.sentBytes, left: now.leftBytes }, now);
      if (await this.#takeTurn(now)) {
        // The guest stands still: QEMU is asked no more than it must be.
        return this.#tell("switch", { done: now.sentBytes, left: 0 });
      }
      await this.#limitHalt(now);
      this.#limitStill("its memory", [now.status, now.sentBytes], STILL_MS);
      await this.#next(stop);
    }
  }

  /** Does what comes next; whether the target has everything. */
  async #takeTurn(now: MemoryStatus): Promise<boolean> {
    const qemu = this.#qemu;
    const { name } = this.#domain.handle;
    switch (now.status) {
      case "completed": {
        const isIt = await runStateAfter(qemu) === "postmigrate";
        if (!isIt) throw failed(name, "it was ended");
        await this.#keep({ phase: "sent", postCopy: now.isPostCopy });
        return true;
      }
      case "postcopy-active":
      case "postcopy-paused":
        await this.#keep({ phase: "sent", postCopy: true });
        return true;
      case "pre-switchover":
        // The guest stands still: now, and only now, both ends' disks are the same.
        if (!await completeMirrors(qemu, name)) return false;
        await command(qemu, "migrate-continue", { state: "pre-switchover" });
        return false;
      case "device":
        return false; // past the disks
      default:
        if (!isUnderWay(now.status)) {
          throw failed(name, now.error ?? now.status);
        }
    }
    if (this.#ticket.disks.length > 0) {
      checkMirrors(await listMirrors(qemu), this.#ticket, name);
    }
    const { postCopy } = this.#transfer.options;
    if (postCopy && now.status === "active" && now.rounds >= 2) {
      await command(qemu, "migrate-start-postcopy");
    }
    return false;
  }

  /** A target that takes nothing any more must not keep the operation for ever. */
  #limitStill(what: string, seen: unknown, limitMs: number): void {
    const ms = this.#still.see(systemClock.monotonic(), [what, seen]);
    if (ms < limitMs) return;
    const seconds = Math.round(ms / 1000);
    throw new UsherError(
      "timed_out",
      `Cannot move VM "${this.#domain.handle.name}": node "${this.#transfer.peer}" has taken nothing of ${what} for ${seconds} s`,
      { hint: "Is the network between the two nodes whole?" },
    );
  }

  /** A target that hangs at the switch must not keep the guest from running. */
  async #limitHalt({ status }: MemoryStatus): Promise<void> {
    const qemu = this.#qemu;
    const isHalted = status === "pre-switchover" || status === "device" ||
      await queryRunState(qemu) === "finish-migrate";
    const now = systemClock.monotonic();
    this.#haltedAt = isHalted ? this.#haltedAt ?? now : null;
    if (this.#haltedAt === null || now - this.#haltedAt < HALT_MS) return;
    await command(qemu, "migrate_cancel");
    throw new UsherError(
      "timed_out",
      `Cannot move VM "${this.#domain.handle.name}": its target took longer than ${HALT_MS} ms for the switch; it goes on where it was`,
    );
  }

  async #keep(more: Partial<MoveRecord>): Promise<void> {
    const move = this.#move;
    if (move !== null) await keepMove(this.#domain, { ...move, ...more });
  }

  #next(stop: AbortSignal): Promise<void> {
    return this.#domain.news.next(LOOK_MS, stop);
  }

  #tell(
    phase: string,
    { done, left }: { done: number; left: number },
    known?: MemoryStatus,
  ): void {
    const at = systemClock.monotonic();
    const before = this.#told;
    if (phase === before.phase && at - before.at < TELL_MS) return;
    const passed = phase === before.phase ? (at - before.at) / 1000 : Infinity;
    const bytesPerSecond = known?.bytesPerSecond ||
      Math.max(0, (done - before.bytes) / passed);
    this.#told = { at, phase, bytes: done };
    const progress: Progress = {
      phase,
      doneBytes: done,
      totalBytes: done + left,
      bytesPerSecond,
      leftMs: left === 0
        ? 0
        : bytesPerSecond > 0
        ? left / bytesPerSecond * 1000
        : null,
    };
    for (const listener of this.#listeners) listener(progress);
  }
}

function amountOf(mirrors: readonly Mirror[]): { done: number; left: number } {
  const done = mirrors.reduce((sum, { doneBytes }) => sum + doneBytes, 0);
  const total = mirrors.reduce((sum, { totalBytes }) => sum + totalBytes, 0);
  return { done, left: Math.max(0, total - done) };
}

/**
 * A paused guest that was sent and taken back has disks that QEMU has let go
 * of, and QEMU 7.2 dies when it is to send those. Going on for a moment is the
 * only way to have them back.
 */
async function wake(domain: Domain): Promise<void> {
  if (await queryRunState(domain) !== "postmigrate") return;
  await command(domain, "cont");
  await command(domain, "stop");
}

function failed(name: string, why: string): UsherError {
  return new UsherError(
    "driver_failed",
    `Cannot send the memory of VM "${name}": ${why}`,
  );
}
