/**
 * The outbox: what happened is told exactly as it happened, also after a
 * crash.
 *
 * An event goes into the commit of the write that it tells of, and is removed
 * once its chain has ended, with some later commit. What a crash leaves is
 * told again, in order, under the same name, to those who have not answered.
 * Events that nobody hears are never written.
 *
 * It is bounded: plugins that fall behind for long must not fill the state. So
 * many wait at most, and none for longer than an hour; the oldest are dropped.
 *
 * @module
 */
import { messageOf } from "../../error/mod.ts";
import type { Events } from "../../plugin/events.ts";
import type { TrailEntry } from "../../schema/operation.ts";
import { ToldRecord } from "../../schema/stored.ts";
import { keys, LIMITS } from "../../store/key.ts";
import type { Mutation, Store } from "../../store/store.ts";
import { type CtrlContext, isoNow } from "../context.ts";
import { KEEP_MS, type KeptAnswers } from "./kept_answers.ts";
import { newsOf } from "./news.ts";
import type { Before, Stamped } from "./seen.ts";
import type { News } from "./news_item.ts";
import { TellQueue } from "./tell_queue.ts";
import type { Telling } from "./telling.ts";

/** The most that wait to be told. */
export const MAX_WAITING = 20_000;

/** How long an event may wait to be told. */
export const MAX_AGE_MS = 3_600_000;

/** How many of one event are told at a time. */
const SIDE_BY_SIDE = 256;

/** How long the end of a chain waits for a commit that takes it along. */
const FORGET_MS = KEEP_MS;
const FORGET_AGAIN_MS = 1000;

/** The longest record, in letters of three bytes at most; longer ones are not kept. */
const MAX_TEXT = LIMITS.valueBytes / 3;

/** Why plugins miss an event. */
const DROPPED = "it is so far behind that events were dropped, oldest first";

/** What an outbox works with. */
export interface OutboxParts {
  readonly context: CtrlContext;
  readonly store: Pick<Store, "commit" | "list">;
  readonly events: Events;
  /** Keeps what handlers answer while others are told. */
  readonly answers?: KeptAnswers;
  /** Puts lines into the trail of an operation, which may have ended. */
  readonly note?: (operation: string, lines: readonly TrailEntry[]) => void;
}

/** What is known of the outbox now. */
export interface OutboxStatus {
  readonly waiting: number;
  readonly told: number;
  /** Events that were never told, since there were too many or they got too old. */
  readonly dropped: number;
}

/** Tells of what was written. */
export class Outbox implements Telling {
  readonly #parts: OutboxParts;
  readonly #queue: TellQueue<ToldRecord>;
  /** Those that are in the store; others are told from memory alone. */
  readonly #kept = new WeakSet<ToldRecord>();
  /** Removes from the store what need not be told any more. */
  #over: Mutation[] = [];
  /** How many events of an operation are to be told. */
  readonly #owed = new Map<string, number>();
  #forgetting: Disposable | null = null;
  /** VMs whose `register` chain has not ended, and who waits for that. */
  readonly #registering = new Map<string, PromiseWithResolvers<void>>();
  #ids = 0;
  #told = 0;
  #dropped = 0;
  #saidDropping = false;
  #isClosed = false;

  private constructor(parts: OutboxParts) {
    this.#parts = parts;
    this.#queue = new TellQueue((told) => this.#tell(told), SIDE_BY_SIDE);
  }

  /** Reads what an earlier controller has not told; nothing is told before `open`. */
  static async load(parts: OutboxParts): Promise<Outbox> {
    const outbox = new Outbox(parts);
    for await (const { value } of parts.store.list(keys.allTold())) {
      const told = ToldRecord.parse(value);
      outbox.#ids = Number(told.id);
      outbox.#kept.add(told);
      outbox.#add(told);
    }
    return outbox;
  }

  /** Begins to tell. */
  open(): void {
    this.#queue.open();
  }

  /** Tells nothing any more: what has not ended is told by the next controller. */
  close(): void {
    this.#isClosed = true;
    this.#queue.close();
    this.#parts.answers?.close();
    void this.#forgetNow();
  }

  status(): OutboxStatus {
    return {
      waiting: this.#queue.waiting,
      told: this.#told,
      dropped: this.#dropped,
    };
  }

  /** Whether something of an operation is to be told still. */
  owes(operation: string): boolean {
    return this.#owed.has(operation);
  }

  /** Whether a VM's `register` chain has not ended. */
  isRegistering(uid: string): boolean {
    return this.#registering.has(uid);
  }

  /** Resolves once the `register` chain of a VM has ended; rejects when `signal` aborts. */
  async registered(uid: string, signal: AbortSignal): Promise<void> {
    const registering = this.#registering.get(uid);
    if (registering === undefined) return;
    signal.throwIfAborted();
    const stopped = Promise.withResolvers<never>();
    const stop = () => stopped.reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    try {
      await Promise.race([registering.promise, stopped.promise]);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  newsOf(commit: readonly Stamped[], before: Before): readonly ToldRecord[] {
    const { events } = this.#parts;
    const news = newsOf(commit, before, (event) => events.isHeard(event));
    return news.map((one) => this.#recordOf(one));
  }

  #recordOf(news: News): ToldRecord {
    return {
      v: 1,
      id: String(++this.#ids).padStart(16, "0"),
      event: news.event,
      args: news.args,
      lane: news.lane,
      decision: news.decision,
      operation: news.operation ?? null,
      depth: news.depth ?? 0,
      at: isoNow(this.#parts.context),
    };
  }

  /** Tells of something that no record of a table says, with `more` in its commit. */
  async post(
    news: readonly News[],
    more: readonly Mutation[] = [],
  ): Promise<void> {
    const told = news.filter(({ event }) => this.#parts.events.isHeard(event))
      .map((one) => this.#recordOf(one));
    if (told.length === 0 && more.length === 0) return;
    try {
      await this.#parts.store.commit([...more, ...this.mutations(told)]);
    } catch (error) {
      this.failed(told);
      throw error;
    }
    this.durable(told);
  }

  mutations(told: readonly ToldRecord[]): readonly Mutation[] {
    if (told.length === 0) return [];
    const kept = told.filter((one) => this.#mustKeep(one));
    for (const one of kept) this.#kept.add(one);
    return kept.map((value) => ({
      type: "set",
      key: keys.told(value.id),
      value,
    }));
  }

  durable(told: readonly ToldRecord[]): void {
    for (const one of told) this.#add(one);
    if (told.length > 0) this.#dropExcess();
  }

  failed(told: readonly ToldRecord[]): void {
    // They may be there all the same, and what is tried again tells anew.
    for (const one of told) this.#forget(one);
  }

  #add(told: ToldRecord): void {
    if (told.event === "register" && !this.#registering.has(told.lane)) {
      this.#registering.set(told.lane, Promise.withResolvers());
    }
    this.#owe(told, 1);
    this.#queue.add(told);
  }

  async #tell(told: ToldRecord): Promise<void> {
    const { event, args, lane, decision, operation, depth } = told;
    if (this.#isOld(told)) return this.#drop(told);
    const answers = this.#kept.has(told)
      ? this.#parts.answers?.open(decision)
      : undefined;
    const trail = await this.#parts.events.tell(
      event as "start",
      args as never,
      { decision, operation, depth, lane, ...(answers && { answers }) },
    );
    if (this.#isClosed) return;
    this.#told++;
    if (trail.length > 0 && operation !== null) {
      this.#parts.note?.(operation, trail);
    }
    if (answers !== undefined) {
      this.#over.push(...this.#parts.answers?.removal(answers) ?? []);
      this.#parts.answers?.over(answers);
    }
    this.#end(told);
  }

  #owe({ operation }: ToldRecord, more: 1 | -1): void {
    if (operation === null) return;
    const count = (this.#owed.get(operation) ?? 0) + more;
    if (count > 0) this.#owed.set(operation, count);
    else this.#owed.delete(operation);
  }

  #end(told: ToldRecord): void {
    this.#owe(told, -1);
    this.#forget(told);
    if (told.event !== "register") return;
    this.#registering.get(told.lane)?.resolve();
    this.#registering.delete(told.lane);
  }

  #isOld({ at }: ToldRecord): boolean {
    return this.#parts.context.clock.now() - Date.parse(at) > MAX_AGE_MS;
  }

  #dropExcess(): void {
    for (;;) {
      const { oldest, waiting } = this.#queue;
      if (oldest === undefined) return;
      if (waiting <= MAX_WAITING && !this.#isOld(oldest)) {
        if (waiting < MAX_WAITING / 2) this.#saidDropping = false;
        return;
      }
      this.#queue.drop(oldest);
      this.#drop(oldest);
    }
  }

  #drop(told: ToldRecord): void {
    this.#dropped++;
    this.#parts.events.missed(told.event, DROPPED);
    this.#end(told);
    if (this.#saidDropping) return;
    this.#saidDropping = true;
    this.#parts.context.log.error(
      "plugins are so far behind that events are dropped, oldest first",
      { event: told.event, since: told.at, waiting: this.#queue.waiting },
    );
  }

  /** Takes one out of the store, together with others. */
  #forget(told: ToldRecord): void {
    if (!this.#kept.has(told)) return;
    this.#over.push({ type: "delete", key: keys.told(told.id) });
    if (this.#isClosed) return;
    this.#forgetting ??= this.#parts.context.clock.after(
      FORGET_MS,
      () => void this.#forgetNow(),
    );
  }

  async #forgetNow(): Promise<void> {
    this.#forgetting?.[Symbol.dispose]();
    const over = this.#over.splice(0);
    try {
      await this.#parts.store.commit(over);
      this.#forgetting = null;
    } catch (error) {
      this.#over.unshift(...over);
      if (this.#isClosed) return;
      const { clock, log } = this.#parts.context;
      log.warn("what was told could not be noted; it is tried again", {
        error: messageOf(error),
      });
      this.#forgetting = clock.after(
        FORGET_AGAIN_MS,
        () => void this.#forgetNow(),
      );
      return;
    }
    if (this.#over.length > 0 && !this.#isClosed) {
      this.#forgetting = this.#parts.context.clock.after(
        FORGET_MS,
        () => void this.#forgetNow(),
      );
    }
  }

  /** Whether it is to outlive a crash: not what is recorded alone, nor what is too large for the store. */
  #mustKeep(told: ToldRecord): boolean {
    if (!this.#parts.events.isRegistered(told.event)) return false;
    const text = JSON.stringify(told);
    return text.length <= MAX_TEXT ||
      new TextEncoder().encode(text).length <= LIMITS.valueBytes;
  }
}
