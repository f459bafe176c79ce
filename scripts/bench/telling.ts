/**
 * What telling costs: writes of VMs that change their state, a second, with
 * nobody who hears of it and with somebody, beside writes of a controller that
 * tells nothing.
 *
 * The three take turns on the same disk, 64 writers that each wait for one
 * before the next, and what is shown is the median of the rounds.
 *
 * @module
 */
import { KeptAnswers } from "../../src/ctrl/events/kept_answers.ts";
import { Outbox } from "../../src/ctrl/events/outbox.ts";
import { Records, type Write } from "../../src/ctrl/records/records.ts";
import { type Events, NO_EVENTS } from "../../src/plugin/events.ts";
import { Vm } from "../../src/schema/vm.ts";
import { openKvStore } from "../../src/store/kv_store.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { newId } from "../../src/sys/id.ts";
import { silentLog } from "../../src/sys/log.ts";
import { beside, median, type Row, time } from "./row.ts";

const WRITERS = 64;
const WRITES_EACH = 60;
const ROUNDS = 7;

/** Hears everything, and is done at once. */
const HEARING: Events = {
  ...NO_EVENTS,
  isHeard: () => true,
  isRegistered: () => true,
};

/** Measures telling; takes about fifteen seconds on a quiet machine. */
export async function benchTelling(): Promise<Row[]> {
  const folder = await Deno.makeTempDir({ prefix: "usher-bench-" });
  try {
    return await measure(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function measure(folder: string): Promise<Row[]> {
  await using silent = await open(`${folder}/silent.kv`, null);
  await using unheard = await open(`${folder}/unheard.kv`, NO_EVENTS);
  await using heard = await open(`${folder}/heard.kv`, HEARING);
  const rates = {
    silent: [] as number[],
    unheard: [] as number[],
    heard: [] as number[],
  };
  for (let round = 0; round < ROUNDS; round++) {
    rates.silent.push(await rate(silent.records, round));
    rates.unheard.push(await rate(unheard.records, round));
    rates.heard.push(await rate(heard.records, round));
  }
  const floor = median(rates.silent);
  const name = `state changes written, ${WRITERS} writers`;
  return [
    beside(
      {
        name: `${name}, nobody hears`,
        value: median(rates.unheard),
        unit: "1/s",
        note: "target: at least 0.85",
      },
      "no telling",
      floor,
    ),
    beside(
      {
        name: `${name}, a plugin hears each`,
        value: median(rates.heard),
        unit: "1/s",
        note: "target: at least 0.4",
      },
      "no telling",
      floor,
    ),
  ];
}

async function open(path: string, events: Events | null) {
  const store = await openKvStore({
    path,
    host: "bench",
    pid: Deno.pid,
    now: Date.now,
    log: silentLog,
  });
  const records = await Records.load(store);
  if (events !== null) {
    const context = { clock: systemClock, newId, log: silentLog };
    const answers = await KeptAnswers.load({ context, store });
    const outbox = await Outbox.load({ context, store, events, answers });
    records.tellThrough(outbox);
    outbox.open();
  }
  return { records, [Symbol.asyncDispose]: () => store.close() };
}

/** Writes a second. */
async function rate(records: Records, round: number): Promise<number> {
  const ms = await time(() =>
    Promise.all(
      Array.from({ length: WRITERS }, (_, writer) =>
        write(records, writer, round)),
    )
  );
  return WRITERS * WRITES_EACH / (ms / 1000);
}

async function write(records: Records, writer: number, round: number) {
  const uid = `01hzzzzzzzzzzzzzzzzzzz${String(writer).padStart(4, "0")}`;
  for (let i = 0; i < WRITES_EACH; i++) {
    const state = (i + round) % 2 === 0 ? "running" : "paused";
    const change: Write = { kind: "vm", key: uid, value: vmIn(uid, state) };
    await records.write([change]);
  }
}

function vmIn(uid: string, state: "running" | "paused"): Vm {
  return Vm.parse({
    v: 1,
    uid,
    name: `web-${uid.slice(-4)}.default.ann`,
    generation: 1,
    spec: { driver: "sim" },
    status: {
      state,
      reason: "",
      incarnation: null,
      since: "2026-01-01T00:00:00.000Z",
      observedGeneration: 1,
    },
    node: "n1",
    args: {},
    createdAt: "2026-01-01T00:00:00.000Z",
    revision: 0,
  });
}
