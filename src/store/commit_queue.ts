/**
 * Group commit: what is pending together becomes durable in one write.
 *
 * One write is under way at a time; commits that arrive meanwhile wait and
 * share the next one, in the order in which they were asked for. When a write
 * fails, so do all commits that were waiting behind it, since they were asked
 * for by callers who believed in it: what is durable is always a beginning of
 * what was asked for, and later commits start from there.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import { newId } from "../sys/id.ts";
import { nextTurn } from "../sys/turn.ts";
import type { Backend } from "./backend.ts";
import { Capture } from "./capture.ts";
import {
  isLarge,
  recover,
  stage,
  type StagedCommit,
  sweep,
} from "./large_commit.ts";
import { lastOfEach, sizeOf, type Write } from "./record.ts";

interface Commit {
  readonly writes: readonly Write[];
  readonly bytes: number;
  resolve(): void;
  reject(error: unknown): void;
}

/** What a queue takes from outside besides its backend; a simulation brings its own. */
export interface QueueOptions {
  /** Resolves once all that is runnable now has run, so that it can join the next write. */
  readonly turn?: () => Promise<void>;
  /** Names large commits. */
  readonly newId?: () => string;
}

/** A `Rider` of the store, its mutations encoded. */
export interface QueueRider {
  readonly waits: boolean;
  board(): readonly Write[];
  landed(isDurable: boolean): void;
}

/** Commits on their way to a backend. */
export class CommitQueue {
  readonly #backend: Backend;
  readonly #onLost: () => void;
  readonly #turn: () => Promise<void>;
  readonly #newId: () => string;
  #pending: Commit[] = [];
  #pump: Promise<void> | null = null;
  #staged: StagedCommit | null = null;
  #finishing: Promise<void> | null = null;
  #hasRubbish = false;
  #rider: QueueRider | null = null;
  #ended: UsherError | null = null;
  readonly #captures = new Set<Capture>();
  /** The write that is under way; null between two. */
  #writing: Promise<unknown> | null = null;
  #commits = 0;
  #writes = 0;
  #mutations = 0;

  /** Calls `onLost` when another has taken the right to write. */
  constructor(
    backend: Backend,
    onLost: () => void,
    options: QueueOptions = {},
  ) {
    this.#backend = backend;
    this.#onLost = onLost;
    this.#turn = options.turn ?? nextTurn;
    this.#newId = options.newId ?? newId;
  }

  /** Finishes what a crash interrupted; before the first commit. */
  async recover(): Promise<void> {
    await recover(this.#backend);
  }

  /** Lets `rider` go along with every write from now on. */
  ride(rider: QueueRider): void {
    this.#rider = rider;
  }

  /** Resolves once `writes` are durable. */
  add(writes: readonly Write[]): Promise<void> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    this.#commits++;
    this.#mutations += writes.length;
    const isNothing = writes.length === 0 && this.#rider?.waits !== true;
    if (isNothing && this.#pump === null) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const bytes = writes.reduce((sum, write) => sum + sizeOf(write), 0);
    this.#pending.push({ writes, bytes, resolve, reject });
    this.#pump ??= this.#run();
    return promise;
  }

  /** Resolves once every durable commit is in its place. */
  async settled(): Promise<void> {
    if (this.#staged !== null) await this.#finish(this.#staged);
  }

  /**
   * Begins to note every write that becomes durable from now on, also of the
   * one that is under way: a reader may or may not have seen it.
   */
  capture(): Capture {
    const capture = new Capture(async () => {
      // Whoever read while a write was under way may have seen a part of it.
      await this.#writing;
      this.#captures.delete(capture);
    });
    this.#captures.add(capture);
    return capture;
  }

  /** Waits for what is pending, then refuses all further commits with `reason`. */
  async end(reason: UsherError): Promise<void> {
    this.#ended ??= reason;
    await this.#pump;
  }

  stats(): { commits: number; writes: number; mutations: number } {
    return {
      commits: this.#commits,
      writes: this.#writes,
      mutations: this.#mutations,
    };
  }

  async #run(): Promise<void> {
    while (true) {
      await this.#turn();
      if (this.#pending.length === 0) break;
      const group = this.#takeGroup();
      this.#writing = this.#writeGroup(group);
      await this.#writing;
      this.#writing = null;
    }
    this.#pump = null;
  }

  async #writeGroup(group: readonly Commit[]): Promise<void> {
    try {
      const along = this.#rider?.board() ?? [];
      const asked = group.flatMap(({ writes }) => writes);
      const writes = along.length === 0 ? asked : [...along, ...asked];
      await this.#write(writes);
      for (const capture of this.#captures) capture.note(writes);
      this.#rider?.landed(true);
      for (const commit of group) commit.resolve();
    } catch (error) {
      this.#rider?.landed(false);
      for (const capture of this.#captures) capture.failed(error);
      this.#fail(group, error);
    }
  }

  #takeGroup(): Commit[] {
    let count = 0;
    let mutations = 0;
    let bytes = 0;
    for (const commit of this.#pending) {
      mutations += commit.writes.length;
      bytes += commit.bytes;
      if (count > 0 && isLarge(mutations, bytes)) break;
      count++;
    }
    return this.#pending.splice(0, count);
  }

  async #write(all: readonly Write[]): Promise<void> {
    await this.settled();
    const writes = lastOfEach(all);
    if (writes.length === 0) return;
    const bytes = writes.reduce((sum, write) => sum + sizeOf(write), 0);
    this.#writes++;
    if (isLarge(writes.length, bytes)) await this.#writeLarge(writes);
    else await this.#backend.write(writes);
  }

  async #writeLarge(writes: readonly Write[]): Promise<void> {
    if (this.#hasRubbish) await sweep(this.#backend);
    this.#hasRubbish = true;
    const staged = await stage(this.#backend, writes, this.#newId());
    this.#hasRubbish = false;
    this.#staged = staged;
    try {
      await this.#finish(staged);
    } catch {
      // It is durable, so it has happened; `settled` tries again before
      // anything else is read or written.
    }
  }

  async #finish(staged: StagedCommit): Promise<void> {
    this.#finishing ??= staged.finish();
    try {
      await this.#finishing;
      this.#staged = null;
    } finally {
      this.#finishing = null;
    }
  }

  #fail(group: readonly Commit[], error: unknown): void {
    if (error instanceof UsherError && error.code === "stale") {
      this.#ended ??= error;
      this.#onLost();
    }
    const behind = this.#pending.splice(0);
    for (const commit of [...group, ...behind]) commit.reject(error);
  }
}
