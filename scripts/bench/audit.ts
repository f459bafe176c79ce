/**
 * What the audit log costs: durable requests a second through a controller's
 * own parts, with a note of each and without.
 *
 * Both take turns on one store, and what is shown is the median of the rounds,
 * so that a disk busy with something else slows both. Single writes have rounds
 * of their own, and each kind begins as often: what comes first after a crowd
 * of writers pays for what those left behind.
 *
 * @module
 */
import { AuditLog } from "../../src/ctrl/audit/audit_log.ts";
import type { AuditNote } from "../../src/schema/audit.ts";
import { openKvStore } from "../../src/store/kv_store.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { newId } from "../../src/sys/id.ts";
import { silentLog } from "../../src/sys/log.ts";
import { beside, median, type Row, time } from "./row.ts";

const WRITERS = 64;
const WRITES_EACH = 40;
const WRITES = WRITERS * WRITES_EACH;
const ROUNDS = 9;
const SINGLES = 400;

/** As large as the records of a start: a VM, its request, its operation. */
const VALUE = { text: "x".repeat(900) };

const NOTE: AuditNote = {
  user: "ann",
  via: "client",
  session: "0123456789ab",
  address: "10.1.2.3",
  verb: "start",
  names: ["web1.lab.ann"],
  args: { spec: { memoryMiB: 256, vcpus: 1 } },
  decision: "allowed",
  request: "01J00000000000000000000000",
  operations: ["01J00000000000000000000001"],
};

/** Measures both; takes about ten seconds on a quiet machine. */
export async function benchAudit(): Promise<Row[]> {
  const folder = await Deno.makeTempDir({ prefix: "usher-bench-" });
  try {
    return await measure(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function measure(folder: string): Promise<Row[]> {
  await using store = await openKvStore({
    path: `${folder}/state.kv`,
    host: "bench",
    pid: Deno.pid,
    now: Date.now,
    log: silentLog,
  });
  const context = { clock: systemClock, newId, log: silentLog };
  const log = await AuditLog.load({ context, store });
  const commit = (round: number, i: number) =>
    store.commit([{ type: "set", key: ["bench", round, i], value: VALUE }]);
  const noted = async (round: number, i: number) => {
    log.note(NOTE);
    await commit(round, i);
  };
  const all = (one: typeof commit, round: number) => () =>
    Promise.all(
      Array.from({ length: WRITERS }, async (_, writer) => {
        for (let i = 0; i < WRITES_EACH; i++) {
          await one(round, writer * WRITES_EACH + i);
        }
      }),
    );
  const [withLog, without]: [number[], number[]] = [[], []];
  const [single, plain]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    withLog.push(perSecond(await time(all(noted, 2 * round))));
    without.push(perSecond(await time(all(commit, 2 * round + 1))));
  }
  for (let i = 0; i < SINGLES; i++) {
    const one = async () => single.push(await time(() => noted(-1, i)));
    const other = async () => plain.push(await time(() => commit(-2, i)));
    const [first, second] = i % 2 === 0 ? [one, other] : [other, one];
    await first();
    await second();
  }
  await log.close();
  return [
    beside(
      {
        name: "audited writes, 64 writers",
        value: median(withLog),
        unit: "/s",
      },
      "the same without a record",
      median(without),
    ),
    beside(
      { name: "one audited write", value: median(single), unit: "ms" },
      "the same without a record",
      median(plain),
    ),
  ];
}

function perSecond(ms: number): number {
  return WRITES / (ms / 1000);
}
