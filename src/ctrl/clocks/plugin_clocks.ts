/**
 * The clocks of registrations: `periodic` and `timer`.
 *
 * Each registration has its own. A period counts from the last time, by a
 * clock that does not jump, and nothing piles up: a chain that still runs when
 * its time comes is passed over and counted, and what was missed while the
 * controller was down is made up for once. A timer fires once in the life of
 * its registration: its moment is durable before it comes, and so is its end.
 *
 * A registration is known by plugin, event and what was written, so reloading
 * others does not put it off, and writing another moment makes it a new one.
 * `+30s` counts from when its plugin begins: at the controller's start, and when a
 * reload brings the plugin or another version of it.
 *
 * @module
 */
import { messageOf } from "../../error/mod.ts";
import type { Events } from "../../plugin/events.ts";
import type { Registration } from "../../plugin/runner.ts";
import {
  type Period,
  readPeriod,
  readWhen,
  type When,
} from "../../plugin/when.ts";
import { PluginClock } from "../../schema/stored.ts";
import { keys } from "../../store/key.ts";
import type { Mutation, Store } from "../../store/store.ts";
import { isoTime } from "../../sys/clock.ts";
import { hashToken } from "../auth/accounts.ts";
import type { CtrlContext } from "../context.ts";
import type { Agenda } from "./agenda.ts";
import { Ticker } from "./ticker.ts";

/** Shorter periods are not kept over restarts: they would be written all the time. */
const KEPT_FROM_MS = 60_000;

/** What nobody has asked for in so long is forgotten. */
const FORGET_MS = 90 * 86_400_000;

/** What clocks are made on. */
export interface ClockParts {
  readonly context: CtrlContext;
  readonly store: Pick<Store, "list" | "commit">;
  readonly events: Pick<Events, "tell" | "passedOver">;
  readonly agenda: Agenda;
}

/** One registration with its clock. */
interface Clocked {
  readonly id: string;
  readonly registration: Registration;
  readonly rule: Period | When;
}

/** The clocks of all registrations. */
export class PluginClocks {
  readonly #parts: ClockParts;
  readonly #records = new Map<string, PluginClock>();
  #clocked = new Map<string, Clocked>();
  /** Of cron, the last moment that came. */
  readonly #last = new Map<string, number>();
  readonly #ticker: Ticker;
  /** Aborts when the controller ends; null until it serves. */
  #serves: AbortSignal | null = null;

  private constructor(parts: ClockParts) {
    this.#parts = parts;
    this.#ticker = new Ticker(parts.context, parts.events);
    // What waits for a moment that was near is far from it now.
    parts.agenda.onPutBack(() => {
      for (const one of this.#clocked.values()) {
        if (one.rule.type === "cron") this.#planCron(one, one.rule.next);
      }
    });
  }

  /** Reads how far clocks have come; none runs before `begin`. */
  static async load(parts: ClockParts): Promise<PluginClocks> {
    const clocks = new PluginClocks(parts);
    for await (const { value } of parts.store.list(keys.pluginClocks())) {
      const record = PluginClock.parse(value);
      clocks.#records.set(record.id, record);
    }
    return clocks;
  }

  /** Whether a timer of this moment was registered before: it has fired, or is owed. */
  isKnownTimer(plugin: string, when: string): boolean {
    return this.#records.has(idOf(plugin, "timer", when));
  }

  /**
   * Makes moments of timers durable before these registrations are used.
   * Throws `invalid_input` for a clock that cannot be.
   */
  async prepare(registrations: readonly Registration[]): Promise<void> {
    await this.#remember(allOf(registrations));
  }

  /**
   * These registrations have clocks from now on, and no others; `prepare` has
   * seen them. Those that were there go on as they were, but for what counts
   * from the beginning of a plugin that begins `anew`.
   */
  use(
    registrations: readonly Registration[],
    anew: ReadonlySet<string> = new Set(),
  ): void {
    const clocked = allOf(registrations);
    const before = this.#clocked;
    this.#clocked = clocked;
    for (const id of before.keys()) {
      if (clocked.has(id)) continue;
      this.#parts.agenda.cancel(keyOf(id));
      this.#last.delete(id);
    }
    if (this.#serves === null) return;
    for (const [id, one] of clocked) {
      const isAnew = one.rule.type === "after" &&
        anew.has(one.registration.plugin);
      if (isAnew || !before.has(id)) this.#plan(one);
    }
  }

  /** Lets the clocks run: the controller serves, until `signal` aborts. */
  begin(signal: AbortSignal): void {
    this.#serves = signal;
    for (const one of this.#clocked.values()) this.#plan(one);
  }

  /** Forgets how far clocks of a plugin that is not in use have come. */
  async forget(plugin: string): Promise<void> {
    const ids = [...this.#records.keys()].filter((id) =>
      id.startsWith(`${plugin}/`)
    );
    if (ids.length === 0) return;
    await this.#parts.store.commit(ids.map(deletion));
    for (const id of ids) this.#records.delete(id);
  }

  /** Makes moments of new timers durable, and forgets what is long over. */
  async #remember(clocked: ReadonlyMap<string, Clocked>): Promise<void> {
    const fresh: PluginClock[] = [];
    for (const { id, rule } of clocked.values()) {
      if (rule.type !== "at" || this.#records.has(id)) continue;
      fresh.push({ v: 1, id, due: isoTime(rule.at), ended: false });
    }
    const before = isoTime(this.#parts.context.clock.now() - FORGET_MS);
    const old = [...this.#records.values()].filter(({ id, due }) =>
      due < before && !clocked.has(id)
    );
    if (fresh.length + old.length === 0) return;
    await this.#parts.store.commit([
      ...fresh.map(setting),
      ...old.map(({ id }) => deletion(id)),
    ]);
    for (const record of fresh) this.#records.set(record.id, record);
    for (const { id } of old) this.#records.delete(id);
  }

  #plan(one: Clocked): void {
    const { clock } = this.#parts.context;
    const { rule, id } = one;
    const known = this.#records.get(id);
    switch (rule.type) {
      case "every":
        return this.#planEvery(
          one,
          clock.monotonic() + firstIn(rule.ms, known, clock.now()),
          rule.ms,
        );
      case "cron":
        if (known !== undefined) this.#last.set(id, Date.parse(known.due));
        return this.#planCron(one, rule.next, "made up for");
      case "at":
        if (known?.ended === true) return;
        return this.#at(one, "wall", rule.at, () => this.#timer(one, rule.at));
      case "after":
        return this.#at(
          one,
          "monotonic",
          clock.monotonic() + rule.ms,
          () => this.#timer(one, clock.now(), `@${one.registration.id}`),
        );
    }
  }

  #planEvery(one: Clocked, due: number, ms: number): void {
    const { clock } = this.#parts.context;
    this.#at(one, "monotonic", due, () => {
      // Counted from when it was due, so that it does not drift; whole periods
      // that were missed are gone.
      const missed = Math.floor((clock.monotonic() - due) / ms);
      this.#planEvery(one, due + (missed + 1) * ms, ms);
      this.#period(one, clock.now(), ms >= KEPT_FROM_MS);
    });
  }

  #planCron(
    one: Clocked,
    next: (after: number) => number,
    missed: "made up for" | "gone" = "gone",
  ): void {
    const now = this.#parts.context.clock.now();
    const last = this.#last.get(one.id) ?? now;
    const due = next(
      now > last && missed === "gone" ? now : cronFrom(last, now),
    );
    this.#at(one, "wall", due, () => {
      this.#last.set(one.id, due);
      this.#planCron(one, next);
      this.#period(one, due, true);
    });
  }

  #at(
    { id }: Clocked,
    kind: "wall" | "monotonic",
    at: number,
    run: () => void,
  ): void {
    this.#parts.agenda.set(keyOf(id), kind, at, run);
  }

  /** A period is over. */
  #period(one: Clocked, due: number, isKept: boolean): void {
    const record = {
      v: 1,
      id: one.id,
      due: isoTime(due),
      ended: true,
    } as const;
    const name = `periodic/${one.id}/${record.due}`;
    void this.#ticker.tick(this.#now(one), name).then(async (ran) => {
      if (ran && isKept) await this.#keep(record);
    });
  }

  /**
   * A timer's moment has come: told until its end is durable. `life` tells one
   * beginning of a plugin from another, whose handler may still run.
   */
  #timer(one: Clocked, due: number, life = ""): void {
    const record = {
      v: 1,
      id: one.id,
      due: isoTime(due),
      ended: true,
    } as const;
    const name = `timer/${one.id}${life}/${record.due}`;
    void this.#ticker.tick(this.#now(one), name).then(async () => {
      if (one.rule.type === "at") await this.#keep(record);
    });
  }

  /** The registration as it is now: a reload gives it another number. */
  #now(one: Clocked): Registration {
    return (this.#clocked.get(one.id) ?? one).registration;
  }

  async #keep(record: PluginClock): Promise<void> {
    // A chain that the controller's end has cut off has not ended.
    if (this.#serves?.aborted === true) return;
    try {
      await this.#parts.store.commit([setting(record)]);
      this.#records.set(record.id, record);
    } catch (error) {
      this.#parts.context.log.warn("the time of a plugin could not be noted", {
        clock: record.id,
        error: messageOf(error),
      });
    }
  }
}

function setting(record: PluginClock): Mutation {
  return { type: "set", key: keys.pluginClock(record.id), value: record };
}

function deletion(id: string): Mutation {
  return { type: "delete", key: keys.pluginClock(id) };
}

function keyOf(id: string): string {
  return `clock/${id}`;
}

/** In how many ms a period is first over: also one that began before a restart. */
function firstIn(
  ms: number,
  known: PluginClock | undefined,
  now: number,
): number {
  if (known === undefined || ms < KEPT_FROM_MS) return ms;
  const gone = now - Date.parse(known.due);
  // The clock was put back: nothing is known of when it began.
  return gone < 0 ? ms : Math.max(0, ms - gone);
}

/** A clock that was put back by less does not make moments come twice. */
const PUT_BACK_MS = 3 * 3_600_000;

/** The moment after which the next one counts. */
function cronFrom(last: number, now: number): number {
  // Put back by more: the clock was wrong before, and counts anew.
  return now < last - PUT_BACK_MS ? now : last;
}

/** All clocks, by id. Throws `invalid_input`. */
function allOf(registrations: readonly Registration[]): Map<string, Clocked> {
  const all = new Map<string, Clocked>();
  const alike = new Map<string, number>();
  for (const registration of registrations) {
    const first = clockedOf(registration, 0);
    if (first === null) continue;
    const nth = alike.get(first.id) ?? 0;
    alike.set(first.id, nth + 1);
    const one = clockedOf(registration, nth) ?? first;
    all.set(one.id, one);
  }
  return all;
}

/** What a clock is known by, besides its number among those that are alike. */
function idOf(plugin: string, event: string, what: string): string {
  // Lists of cron can be longer than a key may be.
  const short = what.length <= 100 ? what : hashToken(what);
  return `${plugin}/${event}/${short}`;
}

/** A registration with its clock, `nth` of those that are alike; null for one without. */
function clockedOf(registration: Registration, nth: number): Clocked | null {
  const { plugin, event, period, when } = registration;
  const id = (what: number | string) =>
    `${idOf(plugin, event, String(what))}${nth === 0 ? "" : `/${nth}`}`;
  if (event === "periodic" && period !== undefined) {
    return { id: id(period), registration, rule: readPeriod(period) };
  }
  if (event === "timer" && when !== undefined) {
    return { id: id(when), registration, rule: readWhen(when) };
  }
  return null;
}
