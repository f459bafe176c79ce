/**
 * Moving simulated domains between nodes.
 *
 * What is offered is all that the target needs, so nothing passes between the
 * nodes themselves, and two drivers in different processes can do it. How long
 * sending takes, and how it fails, are knobs (`faults.ts`).
 *
 * @module
 */
import { messageOf, UsherError } from "../../error/mod.ts";
import type { DomainPlan, DomainReport, Migration } from "../driver.ts";
import type { Transfer } from "../../schema/frame.ts";
import type { PeerMessage, Progress } from "../../schema/operation.ts";
import { absentReport, isUp, newDomain, reportOf } from "./domain.ts";
import type { SimDomain } from "./domain_record.ts";
import type { MigrationAct, SimNodeOptions } from "./faults.ts";
import type { SimHypervisor } from "./hypervisor.ts";
import { goneOn, offerOf, sending, takenIn } from "./move.ts";
import type { Waits } from "./waits.ts";

const MIB = 1024 * 1024;

/** Progress is told so often while something is sent. */
const TELL_MS = 100;

/** The migrations of one sim driver. */
export class SimMigration implements Migration {
  readonly #hypervisor: SimHypervisor;
  readonly #faults: SimNodeOptions;
  readonly #waits: Waits;

  constructor(
    hypervisor: SimHypervisor,
    faults: SimNodeOptions,
    waits: Waits,
  ) {
    this.#hypervisor = hypervisor;
    this.#faults = faults;
    this.#waits = waits;
  }

  /** See `Migration.offer`. */
  async offer(
    uid: string,
    _transfer: Transfer,
    signal: AbortSignal,
  ): Promise<PeerMessage> {
    await this.#begin("offer", signal);
    const domain = this.#existing(uid);
    const { phase, move } = domain;
    if (phase === "starting") throw wrongState("offer", domain);
    // Asked again after everything was sent: as it was then.
    return offerOf(
      phase === "migrating" && move !== null
        ? { ...domain, phase: move.as }
        : domain,
    );
  }

  /** See `Migration.receive`. */
  async receive(
    plan: DomainPlan,
    { id, offer }: Transfer,
    signal: AbortSignal,
  ): Promise<PeerMessage> {
    await this.#begin("receive", signal);
    const there = this.#hypervisor.get(this.#hypervisor.keyOf(plan.uid));
    if (there?.move?.id === id) return { taken: true };
    const isCopy = there?.phase === "migrating" &&
      there.move?.role === "target";
    if (there !== null && !isCopy) throw wrongState("receive", there);
    const now = this.#hypervisor.clock.now();
    const bare = newDomain(plan, now);
    this.#put(takenIn(bare, plan, id, offer ?? {}, now));
    return { taken: true };
  }

  /** See `Migration.send`. */
  async send(
    uid: string,
    { id }: Transfer,
    onProgress: (progress: Progress) => void,
    signal: AbortSignal,
  ): Promise<DomainReport> {
    await this.#begin("send", signal);
    const domain = this.#existing(uid);
    if (domain.move?.id !== id) {
      if (domain.phase === "migrating" || domain.phase === "starting") {
        throw wrongState("send", domain);
      }
      this.#put(sending(domain, id, this.#hypervisor.clock.now()));
    }
    for (;;) {
      const now = this.#sendingOf(uid, id);
      onProgress(this.#progressOf(now));
      if (now.phase === "migrating") return reportOf(now);
      this.#failHalfway(now);
      await this.#waits.until(
        now.domain,
        (later) =>
          later?.phase === "migrating" || later?.move?.id !== id || null,
        { signal, timeoutMs: this.#faults.sendTellsMs ?? TELL_MS },
      );
    }
  }

  /** See `Migration.activate`. */
  async activate(
    uid: string,
    { id }: Transfer,
    signal: AbortSignal,
  ): Promise<DomainReport> {
    await this.#begin("activate", signal);
    const domain = this.#existing(uid);
    if (domain.move !== null && domain.move.id !== id) {
      throw wrongState("activate", domain);
    }
    this.#goOn(domain);
    return this.#reportOf(uid);
  }

  /** See `Migration.abort`. */
  async abort(
    uid: string,
    _transfer: Transfer,
    signal: AbortSignal,
  ): Promise<DomainReport> {
    await this.#begin("abort", signal);
    const domain = this.#hypervisor.get(this.#hypervisor.keyOf(uid));
    if (domain?.move?.role === "source") this.#goOn(domain);
    return this.#reportOf(uid);
  }

  /** See `Migration.release`. */
  async release(
    uid: string,
    _transfer: Transfer,
    signal: AbortSignal,
  ): Promise<DomainReport> {
    await this.#begin("release", signal);
    const domain = this.#hypervisor.get(this.#hypervisor.keyOf(uid));
    if (domain === null) return this.#reportOf(uid);
    if (isUp(domain) && domain.phase !== "migrating") {
      throw wrongState("release", domain);
    }
    this.#hypervisor.remove(domain.domain);
    return this.#reportOf(uid);
  }

  async #begin(act: MigrationAct, signal: AbortSignal): Promise<void> {
    await this.#waits.verb(signal);
    if (this.#faults.migrationFailsAt !== act) return;
    throw new UsherError("driver_failed", `"${act}" was made to fail here`);
  }

  /** The domain while it is sent. Throws when that was ended. */
  #sendingOf(uid: string, id: string): SimDomain {
    const domain = this.#existing(uid);
    if (domain.move?.id === id) return domain;
    throw new UsherError(
      "driver_failed",
      `Cannot send "${domain.name}": its domain is ${domain.phase}, and its migration was ended`,
    );
  }

  #failHalfway(domain: SimDomain): void {
    const { sendError, sendMs = 0 } = domain.knobs;
    const since = domain.move?.since ?? 0;
    const isHalf = this.#hypervisor.clock.now() - since >= sendMs / 2;
    if (sendError === undefined || !isHalf) return;
    this.#goOn(domain);
    throw new UsherError("driver_failed", sendError);
  }

  #progressOf(domain: SimDomain): Progress {
    const { phase, move, memoryMiB = 0, knobs } = domain;
    const { sendMs = 0, sendHangs } = knobs;
    const totalBytes = memoryMiB * MIB;
    const bytesPerSecond = sendMs === 0 ? 0 : totalBytes / sendMs * 1000;
    if (phase === "migrating" || move === null) {
      const done = { doneBytes: totalBytes, totalBytes, leftMs: 0 };
      return { phase: "switch", ...done, bytesPerSecond };
    }
    const gone = this.#hypervisor.clock.now() - move.since;
    const most = sendHangs === true ? 0.5 : 1;
    const share = sendMs === 0 ? most : Math.min(most, gone / sendMs);
    return {
      phase: "memory",
      doneBytes: Math.floor(totalBytes * share),
      totalBytes,
      bytesPerSecond,
      leftMs: sendHangs === true ? null : Math.max(0, sendMs - gone),
    };
  }

  #goOn(domain: SimDomain): void {
    if (domain.move === null) return;
    this.#put(goneOn(domain, this.#hypervisor.clock.now()));
  }

  #put(domain: SimDomain): void {
    try {
      this.#hypervisor.put(domain);
    } catch (error) {
      throw new UsherError(
        "driver_failed",
        `Cannot write the state of "${domain.name}": ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  #existing(uid: string): SimDomain {
    const domain = this.#hypervisor.get(this.#hypervisor.keyOf(uid));
    if (domain !== null) return domain;
    throw new UsherError(
      "not_found",
      `Cannot migrate VM ${uid}: sim has no domain of it`,
    );
  }

  #reportOf(uid: string): DomainReport {
    const domain = this.#hypervisor.get(this.#hypervisor.keyOf(uid));
    return domain === null
      ? absentReport(uid, this.#hypervisor.keyOf(uid))
      : reportOf(domain);
  }
}

function wrongState(act: MigrationAct, { name, phase }: SimDomain): UsherError {
  return new UsherError(
    "wrong_state",
    `Cannot ${act} "${name}": its domain here is ${phase}`,
  );
}
