/**
 * The folder of snapshots: they are taken into it, and those that nobody can
 * need any more are removed from it.
 *
 * A snapshot that was given away stays for as long as anybody has it, which is
 * what its references say: a set that is being read, one that runs, a former
 * one and a worker that is started anew hold the same object, and none of them
 * can forget to say so. Taking and removing never overlap, so what was found
 * to be there is there when it is given away. What is removed leaves its name
 * first: a half of it is never found under a hash.
 *
 * @module
 */
import {
  listFolder,
  removeIfThere,
  renameDurably,
  statOrNull,
} from "../../sys/file.ts";
import { newId } from "../../sys/id.ts";
import type { Snapshot } from "../runner.ts";
import type { PluginPlace } from "./find.ts";
import { keptFor } from "./kept_reading.ts";
import { HASH, PART, takeSnapshot } from "./snapshot.ts";

/** So long a snapshot is kept that nobody has: who goes back to it need not take it anew. */
export const UNUSED_MS = 10 * 60_000;

/** One folder of snapshots. There is one store for a folder. */
export class SnapshotStore {
  readonly #folder: string;
  #given: WeakRef<Snapshot>[] = [];
  readonly #taking = new Set<Promise<Snapshot>>();
  #tidying: Promise<unknown> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Takes a snapshot, which stays while anybody holds the answer. Throws as `takeSnapshot` does. */
  async take(place: PluginPlace): Promise<Snapshot> {
    const taking = this.#tidying.then(() => takeSnapshot(place, this.#folder));
    this.#taking.add(taking);
    try {
      const snapshot = await taking;
      this.#given.push(new WeakRef(snapshot));
      return snapshot;
    } finally {
      this.#taking.delete(taking);
    }
  }

  /** Removes what is old, that nobody has and of which `needed` does not tell; parts that a crash has left, too. */
  tidy(needed: ReadonlySet<string>): Promise<void> {
    const taking = [...this.#taking];
    const tidying = this.#tidying
      .then(() => Promise.allSettled(taking))
      .then(() => this.#remove(needed));
    // What cannot be removed now can be later.
    return this.#tidying = tidying.catch(() => {});
  }

  async #remove(needed: ReadonlySet<string>): Promise<void> {
    for (const name of await listFolder(this.#folder)) {
      // What was kept of a snapshot goes with it.
      const hash = keptFor(name) ?? name;
      const isOurs = HASH.test(hash) || name.startsWith(PART);
      if (!isOurs || needed.has(hash) || this.#held().has(hash)) continue;
      const path = `${this.#folder}/${name}`;
      const writtenMs = (await statOrNull(path))?.mtime?.getTime() ?? 0;
      if (Date.now() - writtenMs < UNUSED_MS) continue;
      const part = `${this.#folder}/${PART}${newId()}`;
      await renameDurably(path, part);
      await removeIfThere(part);
    }
  }

  /** The hashes of those that somebody has. */
  #held(): ReadonlySet<string> {
    const held = new Set<string>();
    this.#given = this.#given.filter((reference) => {
      const snapshot = reference.deref();
      if (snapshot !== undefined) held.add(snapshot.hash);
      return snapshot !== undefined;
    });
    return held;
  }
}
