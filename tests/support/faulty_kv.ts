/**
 * Deno KV with a full disk, or with answers that get lost, when a test says so.
 *
 * @module
 */
import type { KvAtomic, KvDatabase } from "../../src/store/kv_backend.ts";

/** What goes wrong. */
export class KvFaults {
  /** Atomic writes that still have room. */
  room = Infinity;
  /** Atomic writes that happen but whose answer is lost. */
  lostAnswers = 0;
  /** Reads that fail. */
  failedReads = 0;
}

/** `kv` with `faults`. */
export function faultyKv(kv: Deno.Kv, faults: KvFaults): KvDatabase {
  const database = kv as unknown as KvDatabase;
  return {
    get(key) {
      if (faults.failedReads > 0) {
        faults.failedReads--;
        return Promise.reject(new TypeError("connection reset"));
      }
      return database.get(key);
    },
    list: (selector, options) => database.list(selector, options),
    atomic: () => faultyAtomic(database.atomic(), faults),
    close: () => database.close(),
  };
}

function faultyAtomic(atomic: KvAtomic, faults: KvFaults): KvAtomic {
  const commit = atomic.commit.bind(atomic);
  atomic.commit = async () => {
    if (faults.room <= 0) throw new TypeError("database or disk is full");
    faults.room--;
    const result = await commit();
    if (faults.lostAnswers > 0) {
      faults.lostAnswers--;
      throw new TypeError("connection reset");
    }
    return result;
  };
  return atomic;
}
