/**
 * The store suite over the store in memory.
 *
 * @module
 */
import { UsherError } from "../../src/error/mod.ts";
import {
  MemoryDatabase,
  openMemoryStore,
} from "../../src/store/memory_store.ts";
import type { Write } from "../../src/store/record.ts";
import { storeConformance, type StoreHarness } from "./store.ts";

/** A database with so many atomic writes of room. */
class SmallDatabase extends MemoryDatabase {
  room = Infinity;

  override apply(writes: readonly Write[]): void {
    if (this.room <= 0) {
      throw new UsherError("unavailable", "Cannot write: the disk is full");
    }
    this.room--;
    super.apply(writes);
  }
}

function makeHarness(): Promise<StoreHarness> {
  const database = new SmallDatabase();
  return Promise.resolve({
    open: () => openMemoryStore({ database }),
    limit(writes: number) {
      database.room = writes;
    },
    countParts() {
      const keys = [...database.records.values()].map(({ key }) => key);
      return Promise.resolve(keys.filter((key) => key[1] === "part").length);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

storeConformance("memory", makeHarness);
