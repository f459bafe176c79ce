/**
 * The writer: rows of many calls, written together.
 *
 * While one batch is written the next gathers, so a busy site writes few and
 * large batches and a quiet one waits for nothing. A call ends once its rows
 * are durable: in the database, or among those that wait.
 *
 * @module
 */
import type { Keep, Row, Sink } from "./tables.ts";

/** How long a database that failed is not tried again. */
const REST_MS = 5000;
/** How often what is old is looked for. */
const PRUNE_MS = 3_600_000;

interface Batch {
  readonly rows: Row[];
  readonly written: Promise<void>;
}

/** Writes to one database. */
export class Writer {
  readonly #open: () => Promise<Sink>;
  #sink: Promise<Sink> | null = null;
  #next: Batch | null = null;
  #writing: Promise<void> = Promise.resolve();
  #restsUntil = 0;
  #prunedAt = 0;
  #failure: Error | null = null;

  constructor(open: () => Promise<Sink>) {
    this.#open = open;
  }

  /** Resolves once the rows are durable. Rejects at once while the database rests. */
  write(rows: readonly Row[]): Promise<void> {
    if (this.#failure !== null && Date.now() < this.#restsUntil) {
      return Promise.reject(this.#failure);
    }
    const batch = this.#next ?? this.#begin();
    batch.rows.push(...rows);
    return batch.written;
  }

  /** Removes what is old, once an hour. */
  async pruneSometimes(keep: Keep, now: number): Promise<void> {
    if (now - this.#prunedAt < PRUNE_MS) return;
    this.#prunedAt = now;
    await (await this.#opened()).prune(keep, now);
  }

  /** Lets the database be tried at once. */
  wake(): void {
    this.#restsUntil = 0;
  }

  /** The database, opened once; after a failure once more. */
  async #opened(): Promise<Sink> {
    const opening = this.#sink ??= this.#open();
    try {
      return await opening;
    } catch (error) {
      if (this.#sink === opening) this.#sink = null;
      throw error;
    }
  }

  #begin(): Batch {
    const rows: Row[] = [];
    const written = this.#writing.then(() => {
      this.#next = null;
      return this.#write(rows);
    });
    this.#writing = written.catch(() => {});
    return this.#next = { rows, written };
  }

  async #write(rows: readonly Row[]): Promise<void> {
    try {
      await (await this.#opened()).write(rows);
      this.#failure = null;
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      this.#restsUntil = Date.now() + REST_MS;
      throw error;
    }
  }
}
