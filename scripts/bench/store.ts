/**
 * Durable writes a second through the store, with 64 writers that each wait
 * for one before the next, beside raw Deno KV batches of the same mutations.
 *
 * The two take turns on the same disk, and what is shown is the median of the
 * rounds, so that a disk busy with something else slows both.
 *
 * @module
 */
import { openKvStore } from "../../src/store/kv_store.ts";
import type { Store } from "../../src/store/store.ts";
import { silentLog } from "../../src/sys/log.ts";
import { beside, median, type Row, time } from "./row.ts";

const WRITERS = 64;
const WRITES_EACH = 40;
const WRITES = WRITERS * WRITES_EACH;
const ROUNDS = 9;
/** As large as a VM's record. */
const VALUE = {
  v: 1,
  name: "web-1.default.ann",
  text: "x".repeat(300),
  state: "running",
  node: "n1",
};

/** Measures the store; takes about ten seconds on a quiet machine. */
export async function benchStore(): Promise<Row[]> {
  const folder = await Deno.makeTempDir({ prefix: "usher-bench-" });
  try {
    return await measure(folder, ROUNDS);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function measure(folder: string, rounds: number): Promise<Row[]> {
  await using store = await openKvStore({
    path: `${folder}/store.kv`,
    host: "bench",
    pid: Deno.pid,
    now: Date.now,
    log: silentLog,
  });
  using kv = await Deno.openKv(`${folder}/raw.kv`);
  const [throughStore, raw]: [number[], number[]] = [[], []];
  const [single, rawSingle]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    throughStore.push(perSecond(await time(() => writeThrough(store, round))));
    raw.push(perSecond(await time(() => writeRaw(kv, round))));
    const one = mutation(round, 0);
    single.push(await time(() => store.commit([one])));
    rawSingle.push(await time(() => kv.set(one.key, one.value)));
  }
  return rows({ throughStore, raw, single, rawSingle });
}

/** What the rounds took: rates of many, milliseconds of one. */
interface Rounds {
  readonly throughStore: readonly number[];
  readonly raw: readonly number[];
  readonly single: readonly number[];
  readonly rawSingle: readonly number[];
}

function rows({ throughStore, raw, single, rawSingle }: Rounds): Row[] {
  const [value, floor] = [median(throughStore), median(raw)];
  return [
    beside(
      {
        name: "durable writes through the store, 64 writers",
        value,
        unit: "1/s",
        note: `target: at least 0.6; median of ${raw.length}`,
      },
      `raw kv.atomic(), batches of ${WRITERS}`,
      floor,
    ),
    beside(
      {
        name: "one durable write through the store, alone",
        value: median(single),
        unit: "ms",
      },
      "raw kv.set()",
      median(rawSingle),
    ),
  ];
}

function mutation(round: number, i: number) {
  return {
    type: "set",
    key: ["vm", `${round}-${i}`],
    value: { ...VALUE, i },
  } as const;
}

async function writeThrough(store: Store, round: number): Promise<void> {
  await Promise.all(Array.from({ length: WRITERS }, async (_, writer) => {
    for (let i = 0; i < WRITES_EACH; i++) {
      await store.commit([mutation(round, i * WRITERS + writer)]);
    }
  }));
}

async function writeRaw(kv: Deno.Kv, round: number): Promise<void> {
  for (let from = 0; from < WRITES; from += WRITERS) {
    const atomic = kv.atomic();
    for (let i = from; i < from + WRITERS; i++) {
      const { key, value } = mutation(round, i);
      atomic.set(key, value);
    }
    await atomic.commit();
  }
}

function perSecond(ms: number): number {
  return WRITES / ms * 1000;
}
