/**
 * The writer: rows of many calls, written together.
 *
 * While one batch is written the next gathers, so a busy site writes few and
 * large batches and a quiet one waits for nothing. A call ends once its rows
 * are durable: in the database, or among those that wait.
 *
 * A database that neither answers nor breaks off is let go of after a while, and
 * opened anew: else whoever tells of something would wait for it until the
 * deadline of the call, and the rows would be lost with the call. What was
 * written all the same is written once more, which is once.
 *
 * @module
 */
import type { Keep, Row, Sink } from "./tables.ts";

/** How long a database that failed is not tried again. */
const REST_MS = 5000;
/** How often what is old is looked for. */
const PRUNE_MS = 3_600_000;
/** Rows of one part of many: others wait for no more than that. */
const PART = 2000;
/** How long what is old is removed at a time, a part after another. */
const PRUNE_FOR_MS = 5000;

interface Batch {
  readonly rows: Row[];
  readonly written: Promise<void>;
}

/** Writes to one database. */
export class Writer {
  readonly #open: () => Promise<Sink>;
  readonly #limitMs: number;
  #sink: Promise<Sink> | null = null;
  #next: Batch | null = null;
  #writing: Promise<void> = Promise.resolve();
  #restsUntil = 0;
  #prunedAt = 0;
  #failure: Error | null = null;

  constructor(open: () => Promise<Sink>, limitMs: number) {
    this.#open = open;
    this.#limitMs = limitMs;
  }

  /** Resolves once the rows are durable. Rejects at once while the database rests. */
  write(rows: readonly Row[]): Promise<void> {
    if (this.#failure !== null && Date.now() < this.#restsUntil) {
      return Promise.reject(this.#failure);
    }
    const batch = this.#next ?? this.#begin();
    for (const row of rows) batch.rows.push(row);
    return batch.written;
  }

  /**
   * Writes many rows a part after another, so that what happens meanwhile waits
   * for one part. Answers how many were written; `failed` is told why not all.
   */
  async writeMany(
    rows: readonly Row[],
    failed: (error: unknown) => void,
  ): Promise<number> {
    for (let at = 0; at < rows.length; at += PART) {
      try {
        await this.write(rows.slice(at, at + PART));
        await breath();
      } catch (error) {
        failed(error);
        return at;
      }
    }
    return rows.length;
  }

  /** Removes what is old: once an hour, and more often while there is much. */
  async pruneSometimes(keep: Keep, now: number): Promise<void> {
    if (now - this.#prunedAt < PRUNE_MS) return;
    const until = Date.now() + PRUNE_FOR_MS;
    const sink = await this.#opened();
    while (await sink.prune({ ...keep, most: PART }, now) > 0) {
      if (Date.now() > until) return;
      await breath();
      await this.#writing;
    }
    this.#prunedAt = now;
  }

  /** Lets the database be tried at once. */
  wake(): void {
    this.#restsUntil = 0;
  }

  /** The database, opened once; after a failure once more. */
  #opened(): Promise<Sink> {
    return this.#sink ??= this.#open();
  }

  /** Lets go of it; it may still be opening. */
  #letGo(): void {
    void this.#sink?.then((sink) => sink.close()).catch(() => {});
    this.#sink = null;
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
      const writing = this.#opened().then((sink) => sink.write(rows));
      await within(this.#limitMs, writing);
      this.#failure = null;
    } catch (error) {
      this.#letGo();
      this.#failure = error instanceof Error ? error : new Error(String(error));
      this.#restsUntil = Date.now() + REST_MS;
      throw error;
    }
  }
}

/** Lets in who came meanwhile: a write to a file does not. */
function breath(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** What `work` comes to, unless that takes longer. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`The database does not answer within ${ms} ms`)),
      ms,
    );
  });
  // Whatever becomes of it later is of no more use.
  work.catch(() => {});
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
