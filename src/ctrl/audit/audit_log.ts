/**
 * The audit log as a controller writes it: on the store, along with whatever
 * is written there.
 *
 * A note becomes a record at once: it gets its number, and the hash that ties
 * it to the one before. It then waits for the next write to the store, which
 * takes along all that waits (`Rider`). So an act that is noted before its
 * commit is durable with its record or not at all, and costs no write more; an
 * act that writes nothing has its record written a moment later. No controller
 * that has lost its lease can write one, so the chain has no branches.
 *
 * A write that fails leaves its records waiting, numbers and hashes unchanged,
 * and they are filed under the same keys again: it does not matter whether
 * that write happened after all. While the disk takes nothing, so much waits
 * in memory; beyond that, records are not made, and how many stands in the
 * first one that is made again.
 *
 * @module
 */
import { messageOf } from "../../error/mod.ts";
import {
  AUDIT_ROOT,
  type AuditHead,
  type AuditMark,
  type AuditNote,
  AuditPosition,
  type AuditRecord,
  contentOf,
  weightOf,
} from "../../schema/audit.ts";
import { keys } from "../../store/key.ts";
import type { Mutation, Rider, Store } from "../../store/store.ts";
import { sha256 } from "../../sys/sha256.ts";
import { type CtrlContext, isoNow } from "../context.ts";
import { FailingActs } from "./failing_acts.ts";
import { Flood } from "./flood.ts";
import type { AuditSink } from "./sink.ts";

/** What nothing else has written goes to the store after so long. */
const FLUSH_MS = 50;

/** The JSON of the records of one block; a value may have a little more. */
const MAX_BLOCK = 60 * 1024;

/** What may wait for a write, as JSON. */
const MAX_WAITING = 16 * 1024 * 1024;

/** The newest records are kept in memory, for who follows them. */
const RECENT = 1000;

/** A disk that takes nothing is named in the log so often at most. */
const SAY_MS = 60_000;

/** What the log works with. */
export interface AuditParts {
  readonly context: CtrlContext;
  readonly store: Store;
}

interface Waiting {
  readonly record: AuditRecord;
  readonly hour: string;
  readonly bytes: number;
}

/** Writes the log. */
export class AuditLog implements AuditSink {
  readonly #parts: AuditParts;
  readonly #flood: Flood;
  /** Whose acts fail too often to be noted one by one. */
  readonly failing: FailingActs;
  /** What is durable. */
  #position: AuditPosition;
  /** The newest record that was made. */
  #last: AuditMark;
  #hour: string;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #boarded = 0;
  #dropped = 0;
  #timer: Disposable | null = null;
  #saidAt: number | null = null;
  #isClosed = false;
  readonly #recent: AuditRecord[] = [];
  #news = Promise.withResolvers<void>();

  private constructor(parts: AuditParts, position: AuditPosition) {
    this.#parts = parts;
    this.#position = position;
    this.#last = position.head;
    this.#hour = position.hour;
    this.#flood = new Flood(parts.context.clock);
    this.failing = new FailingActs(parts.context.clock);
  }

  /** Goes on with the log that the store holds. */
  static async load(parts: AuditParts): Promise<AuditLog> {
    const found = await parts.store.get(keys.meta("audit"));
    const log = new AuditLog(
      parts,
      found === null ? NOTHING : AuditPosition.parse(found),
    );
    parts.store.ride(log.#rider());
    return log;
  }

  /** The two ends of what is durable. */
  get ends(): AuditHead {
    const { head, anchor, bytes } = this.#position;
    return { head, anchor, bytes };
  }

  /** What keeps it, to be read from. */
  get store(): Store {
    return this.#parts.store;
  }

  /** The hour under which the newest durable record is filed. */
  get hour(): string {
    return this.#position.hour;
  }

  note(note: AuditNote): void {
    if (this.#isClosed) return;
    const more = this.#flood.passes(note);
    if (more !== null) this.#take(note, more);
  }

  /** Notes how often what was left out had happened, once that is over. */
  noteFloods(): void {
    for (const { note, more } of this.#flood.over()) this.#take(note, more);
  }

  #take(note: AuditNote, more: number): void {
    if (this.#waitingBytes >= MAX_WAITING) return void this.#dropped++;
    if (this.#dropped > 0) this.#make(this.#gap());
    this.#make(more === 0 ? note : { ...note, args: { repeats: more } });
    this.#timer ??= this.#parts.context.clock.after(FLUSH_MS, () => {
      this.#timer = null;
      void this.durable().catch((error) => this.#say(error));
    });
  }

  /** Resolves once all that was noted is durable. */
  async durable(): Promise<void> {
    if (this.#waiting.length > 0) await this.#parts.store.commit([]);
  }

  /** Writes what waits; what is noted after that may be lost. */
  async close(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    await this.durable().catch((error) => this.#say(error));
    this.#isClosed = true;
  }

  /** Resolves at the next record that has become durable. */
  news(): Promise<void> {
    return this.#news.promise;
  }

  /** Who stands most often in the newest records, as people name them; null where there are none. */
  get busiest(): string | null {
    const counts = new Map<string, number>();
    for (const { user, plugin, address = "" } of this.#recent) {
      const who = plugin !== undefined
        ? `plugin "${plugin}"`
        : user === ""
        ? address
        : `user "${user}"`;
      counts.set(who, (counts.get(who) ?? 0) + 1);
    }
    const [first] = [...counts].toSorted(([, a], [, b]) => b - a);
    return first?.[0] ?? null;
  }

  /** The records after number `seq`, where all of them are still in memory; else null. */
  recent(seq: number): readonly AuditRecord[] | null {
    if (seq >= this.#position.head.seq) return [];
    const oldest = this.#recent[0]?.seq ?? Infinity;
    return seq + 1 < oldest ? null : this.#recent.slice(seq + 1 - oldest);
  }

  /** Forgets the oldest: `blocks` go, and `anchor` says where the log begins from then on. */
  async cut(
    blocks: readonly Mutation[],
    anchor: AuditMark,
    bytes: number,
  ): Promise<void> {
    const { store } = this.#parts;
    const before = this.#position;
    this.#position = { ...before, anchor, bytes: before.bytes - bytes };
    const { seq, hash } = anchor;
    // The cut is an act like others; with its record the position is written.
    this.#make({
      user: "",
      via: "controller",
      verb: "audit_trim",
      names: [],
      decision: "told",
      args: { seq, hash },
    });
    try {
      await store.commit(blocks);
    } catch (error) {
      const { bytes: now } = this.#position;
      const { anchor } = before;
      this.#position = { ...this.#position, anchor, bytes: now + bytes };
      throw error;
    }
  }

  #gap(): AuditNote {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return {
      user: "",
      via: "controller",
      verb: "audit_lost",
      names: [],
      decision: "told",
      reason: "The disk took nothing, and no more could wait in memory",
      args: { records: dropped },
    };
  }

  #make(note: AuditNote): void {
    const at = isoNow(this.#parts.context);
    const seq = this.#last.seq + 1;
    const content = { ...note, seq, at, prev: this.#last.hash };
    const text = contentOf(content);
    const record = { ...content, hash: sha256(text) };
    this.#last = { seq, hash: record.hash, at };
    // Never back, whatever the clock does: blocks are read in this order.
    const hour = at.slice(0, 13);
    if (hour > this.#hour) this.#hour = hour;
    const bytes = weightOf(text);
    this.#waiting.push({ record, hour: this.#hour, bytes });
    this.#waitingBytes += bytes;
  }

  #rider(): Rider {
    const waits = () => this.#waiting.length > 0;
    return {
      get waits() {
        return waits();
      },
      board: () => this.#board(),
      landed: (isDurable) => {
        if (isDurable) this.#landed();
        else this.#boarded = 0;
      },
    };
  }

  #board(): readonly Mutation[] {
    this.#boarded = this.#waiting.length;
    const last = this.#waiting.at(-1);
    if (last === undefined) return [];
    const { seq, hash, at } = last.record;
    const position: AuditPosition = {
      ...this.#position,
      head: { seq, hash, at },
      hour: last.hour,
      bytes: this.#position.bytes + this.#waitingBytes,
    };
    return [
      ...blocksOf(this.#waiting),
      { type: "set", key: keys.meta("audit"), value: position },
    ];
  }

  #landed(): void {
    const done = this.#waiting.splice(0, this.#boarded);
    this.#boarded = 0;
    const last = done.at(-1);
    if (last === undefined) return;
    const bytes = done.reduce((sum, one) => sum + one.bytes, 0);
    this.#waitingBytes -= bytes;
    const { seq, hash, at } = last.record;
    this.#position = {
      ...this.#position,
      head: { seq, hash, at },
      hour: last.hour,
      bytes: this.#position.bytes + bytes,
    };
    for (const { record } of done) this.#recent.push(record);
    if (this.#recent.length > 2 * RECENT) {
      this.#recent.splice(0, this.#recent.length - RECENT);
    }
    const news = this.#news;
    this.#news = Promise.withResolvers();
    news.resolve();
  }

  #say(error: unknown): void {
    const { clock, log } = this.#parts.context;
    if (this.#parts.store.lost.aborted) return;
    const now = clock.monotonic();
    if (this.#saidAt !== null && now - this.#saidAt < SAY_MS) return;
    this.#saidAt = now;
    log.error("the audit log could not be written", {
      error: messageOf(error),
      waiting: this.#waiting.length,
    });
  }
}

const ROOT: AuditMark = { seq: 0, hash: AUDIT_ROOT, at: "" };
const NOTHING: AuditPosition = {
  v: 1,
  head: ROOT,
  anchor: ROOT,
  hour: "",
  bytes: 0,
};

/** Records in blocks, each of one hour and no larger than a value may be. */
function blocksOf(waiting: readonly Waiting[]): Mutation[] {
  const blocks: Mutation[] = [];
  let records: AuditRecord[] = [];
  let hour = "";
  let bytes = 0;
  const close = () => {
    const [first] = records;
    if (first === undefined) return;
    blocks.push({
      type: "set",
      key: keys.auditBlock(hour, first.seq),
      value: { v: 1, records },
    });
  };
  for (const one of waiting) {
    if (one.hour !== hour || bytes + one.bytes > MAX_BLOCK) {
      close();
      records = [];
      hour = one.hour;
      bytes = 0;
    }
    records.push(one.record);
    bytes += one.bytes;
  }
  close();
  return blocks;
}
