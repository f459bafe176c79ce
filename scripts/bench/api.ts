/**
 * The API on `sim`: one durable create, a thousand starts by one request.
 *
 * @module
 */
import { RolesSite } from "../../tests/support/roles_site.ts";
import { EXECUTABLE } from "./command.ts";
import { beside, median, quantile, type Row, time, timed } from "./row.ts";

const ONE_BY_ONE = 200;
/** Not counted: a controller runs for months, and its code gets fast as it runs. */
const WARM_UP = 400;
const VMS = 1000;
const ROUNDS = 7;
const SMALL = { memoryMiB: 16 };

/** Figures of a site whose VMs are simulated. */
export async function benchApi(): Promise<Row[]> {
  await using site = await RolesSite.start(EXECUTABLE, "sim");
  return [...await oneByOne(site), ...await thousandAtOnce(site)];
}

async function oneByOne(site: RolesSite): Promise<Row[]> {
  const echo = await timed(ONE_BY_ONE, () => site.call("GET", "/v1/version"));
  const register = (name: string) =>
    site.call("POST", "/v1/requests", {
      ...{ verb: "register", names: [name], spec: SMALL },
    });
  await timed(WARM_UP, (i) => register(`w${i}`));
  const create = await timed(ONE_BY_ONE, (i) => register(`r${i}`));
  const start = await timed(
    ONE_BY_ONE,
    (i) => site.request({ verb: "start", names: [`s${i}`], spec: SMALL }),
  );
  await site.request({ verb: "destroy", names: ["w*", "r*", "s*"] });
  const row = (name: string, values: number[], note = "") =>
    beside(
      { name, value: median(values), unit: "ms", note },
      "GET /v1/version",
      median(echo),
    );
  return [
    row("one durable create, one after another", create, "target < 2 ms"),
    row("one start to running, one after another", start),
  ];
}

/** Raw Deno KV writing what a thousand starts must keep: three records a VM, twice. */
async function rawRate(dir: string): Promise<number> {
  const path = `${dir}/raw.kv`;
  using kv = await Deno.openKv(path);
  const value = { text: "x".repeat(500) };
  const rounds = await timed(ROUNDS, async (round) => {
    for (let i = 0; i < VMS * 3; i += 500) {
      const atomic = kv.atomic();
      for (let j = i; j < i + 500; j++) atomic.set([round, j], value);
      await atomic.commit();
    }
  });
  return VMS / median(rounds) * 1000;
}

async function thousandAtOnce(site: RolesSite): Promise<Row[]> {
  const floor = await rawRate(site.dir);
  const rates: number[] = [];
  const p99s: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    let request = "";
    const ms = await time(async () => {
      request = await site.request({
        ...{ verb: "start", names: ["b"], count: VMS, spec: SMALL },
      });
    });
    rates.push(VMS / ms * 1000);
    p99s.push(quantile(await latencies(site, request), 0.99));
    await site.request({ verb: "destroy", names: ["b-*"] });
  }
  const what = `${VMS} VMs started by one request`;
  return [
    beside(
      { name: `${what}: operations`, value: median(rates), unit: "1/s" },
      `raw kv.atomic() of 3 records each`,
      floor,
    ),
    {
      name: `${what}: p99 of one`,
      value: median(p99s),
      unit: "ms",
      note: `from the request to its end; median of ${ROUNDS}`,
    },
  ];
}

/** Milliseconds from asked to ended of each operation of a request. */
async function latencies(
  site: RolesSite,
  request: string,
): Promise<number[]> {
  const filter = encodeURIComponent(`request=${request}`);
  const { operations } = JSON.parse(
    await site.call("GET", `/v1/operations?limit=${VMS}&filter=${filter}`),
  );
  return operations.map((
    { createdAt, endedAt }: { createdAt: string; endedAt: string },
  ) => Date.parse(endedAt) - Date.parse(createdAt));
}
