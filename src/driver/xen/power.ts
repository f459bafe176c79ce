/**
 * Power on and off: starts, shutdowns, power cuts, and forgetting what is off.
 *
 * Each begins with a look at what Xen has. A power cut first cancels a start
 * that is still under way, and a shutdown that waits for its guest holds
 * nothing.
 *
 * @module
 */
import { Deadline, systemClock } from "../../sys/clock.ts";
import { absent } from "../absent.ts";
import type { DomainPlan, DomainReport, StopOptions } from "../driver.ts";
import { POWERED_OFF } from "../ending.ts";
import { refuseOlder } from "../generation.ts";
import { cannotNow } from "../refusals.ts";
import { Starts } from "../starts.ts";
import { type Turns, untilAborted } from "../turns.ts";
import { refuseUsedDisks } from "./disk_use.ts";
import { Domain } from "./domain.ts";
import { isOnItsWay } from "./domain_state.ts";
import type { Domains } from "./domains.ts";
import type { XenEnvironment } from "./environment.ts";
import { newHandle } from "./handle.ts";
import { launch } from "./launch.ts";
import type { XenMigration } from "./migration/mod.ts";
import type { Row } from "./listing.ts";
import { isUnsettled, type Settling } from "./settling.ts";
import { shutDown } from "./shutdown.ts";
import { destroyAll, removeTraces, rowsOf } from "./undo.ts";

const LOOK_MS = 300;

/** What it works with. */
export interface PowerParts {
  readonly env: XenEnvironment;
  readonly domains: Domains;
  readonly turns: Turns;
  readonly settling: Settling;
  /** Absent where nothing migrates. */
  readonly migration: XenMigration | undefined;
  /** What Xen has, once what follows of it is done. */
  settled(): Promise<readonly Row[]>;
}

/** The verbs that turn domains on and off; see `Driver`. */
export class Power {
  readonly #parts: PowerParts;
  readonly #starts: Starts;

  constructor(parts: PowerParts) {
    this.#parts = parts;
    this.#starts = new Starts(parts.turns);
  }

  /** Resolves once no start is under way. */
  allSettled(): Promise<void> {
    return this.#starts.allSettled();
  }

  start(plan: DomainPlan, signal: AbortSignal): Promise<DomainReport> {
    return this.#starts.joined(
      plan.uid,
      signal,
      (cancel) => this.#startNow(plan, cancel),
    );
  }

  stop(uid: string, options: StopOptions): Promise<DomainReport> {
    const { env, domains, turns } = this.#parts;
    return this.#starts.stop(uid, options, {
      shutDown: async (graceMs, signal) => {
        await untilAborted(this.#parts.settled(), signal);
        const domain = domains.get(uid);
        if (domain === undefined) return absent(uid);
        await shutDown(env, domain, graceMs, signal);
        await turns.inTurn(uid, signal, async () => {});
        return domain.report();
      },
      cutPower: () => this.#cutPower(uid),
      report: () => domains.get(uid)?.report() ?? absent(uid),
    });
  }

  async forget(uid: string, signal: AbortSignal): Promise<void> {
    await this.#parts.turns.inTurn(uid, signal, async () => {
      await this.#parts.env.looks.fresh();
      const domain = this.#parts.domains.get(uid);
      if (domain !== undefined) {
        this.#parts.migration?.refuseWhileMoving(domain, "forget");
      }
      if (domain?.isLive === true) {
        throw cannotNow("forget", domain, `it is ${domain.report().state}`);
      }
      if (domain !== undefined) {
        await destroyAll(this.#parts.env, uid, domain.handle.name);
      }
      await removeTraces(this.#parts.env, uid, domain);
      this.#parts.domains.delete(uid);
    });
  }

  async #startNow(
    plan: DomainPlan,
    cancel: AbortSignal,
  ): Promise<DomainReport> {
    const seen = await this.#parts.env.looks.fresh();
    const known = this.#parts.domains.get(plan.uid);
    refuseOlder(plan, known?.handle.generation);
    if (
      known !== undefined && (isOnItsWay(known.handle.move) || !known.isLive)
    ) this.#parts.migration?.refuseWhileMoving(known, "start");
    const rows = known === undefined ? seen : await this.#clear(known, cancel);
    const found = rowsOf(rows, plan.uid).some((row) => !row.shutdown);
    if (found) return await this.#takeOn(plan, known);
    if (known !== undefined) {
      await destroyAll(this.#parts.env, plan.uid, plan.name);
    }
    const domain = known ??
      new Domain(this.#parts.env, newHandle(plan, this.#parts.env.bootId));
    this.#parts.domains.add(domain);
    const before = known?.handle ?? null;
    try {
      refuseUsedDisks(plan, this.#parts.domains.all());
      return await launch(this.#parts.env, domain, plan, {
        before,
        rows,
        cancel,
      });
    } catch (error) {
      const isLeft = cancel.aborted || this.#parts.env.closing.aborted;
      if (before === null && !isLeft) {
        this.#parts.domains.delete(plan.uid);
        this.#parts.env.publish({ ...absent(plan.uid), name: plan.name });
      }
      throw error;
    }
  }

  /** Waits until it is known what there is of it: it may be created just now, by an earlier LNM, or reboot. */
  async #clear(
    known: Domain,
    cancel: AbortSignal,
  ): Promise<readonly Row[]> {
    const { env, settling } = this.#parts;
    using deadline = new Deadline(
      systemClock,
      env.config.start_timeout,
      `end of what Xen does with VM "${known.handle.name}"`,
      cancel,
    );
    for (;;) {
      const rows = await env.looks.fresh();
      if (!isUnsettled(known)) return rows;
      if (await settling.settle(known)) {
        await systemClock.sleep(LOOK_MS, deadline.signal);
      }
    }
  }

  /** It runs: nothing is started. One of its uuid that nothing is known of is this VM, whoever made it. */
  async #takeOn(
    plan: DomainPlan,
    known: Domain | undefined,
  ): Promise<DomainReport> {
    if (known !== undefined) return known.report();
    const { env, domains } = this.#parts;
    const domain = new Domain(env, newHandle(plan, env.bootId));
    domains.add(domain);
    await domain.keep({ created: true });
    await env.looks.fresh();
    return domain.report();
  }

  async #cutPower(uid: string): Promise<void> {
    const rows = await this.#parts.env.looks.fresh();
    const domain = this.#parts.domains.get(uid);
    if (domain === undefined) return;
    const { handle } = domain;
    await this.#parts.migration?.powerCut(domain);
    if (handle.ending === null) {
      await domain.keep({
        created: true,
        ending: POWERED_OFF,
      });
    } else if (rowsOf(rows, uid).length === 0) return;
    const { env } = this.#parts;
    await destroyAll(env, uid, handle.name, rows);
    domain.console.close();
    domain.publish();
  }
}
