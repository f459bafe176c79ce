/**
 * The API on `sim`: one durable create, a thousand starts, memory.
 *
 * @module
 */
import { median, quantile, type Row } from "./row.ts";
import { BenchSite, timed } from "./usher.ts";

const ROUNDS = 200;

/** Figures of a site whose VMs are simulated. */
export async function benchApi(): Promise<Row[]> {
  await using site = await BenchSite.start("sim");
  const idle = await site.rssMiB();
  const echo = median(
    await timed(ROUNDS, () => site.call("GET", "/v1/version")),
  );
  const create = await timed(ROUNDS, (i) =>
    site.call("POST", "/v1/requests", {
      verb: "register",
      names: [`r${i}`],
    }));
  const start = await timed(
    ROUNDS,
    (i) => site.run({ verb: "start", names: [`s${i}`] }),
  );
  await site.run({ verb: "destroy", names: ["r*", "s*"] });
  const { total, each } = await thousand(site);
  const full = await site.rssMiB();
  const floor = { floor: echo, floorName: "GET /v1/version" };
  const ratio = (value: number) => ({ ...floor, ratio: value / echo });
  const createMs = median(create);
  const startMs = median(start);
  return [
    {
      name: "one durable create, one after another",
      value: createMs,
      unit: "ms",
      ...ratio(createMs),
      note: "target < 2 ms",
    },
    {
      name: "one start to running, one after another",
      value: startMs,
      unit: "ms",
      ...ratio(startMs),
    },
    {
      name: "1,000 VMs started by one request: operations",
      value: 1000 / (total / 1000),
      unit: "1/s",
    },
    {
      name: "1,000 VMs started by one request: p99 of one",
      value: quantile(each, 0.99),
      unit: "ms",
    },
    {
      name: "RSS of controller and LNM together, idle",
      value: idle,
      unit: "MiB",
    },
    {
      name: "RSS of controller and LNM together, 1,000 VMs",
      value: full,
      unit: "MiB",
    },
  ];
}

/** Starts 1,000 VMs; how long all and each took. */
async function thousand(
  site: BenchSite,
): Promise<{ total: number; each: number[] }> {
  const began = performance.now();
  const text = await site.call("POST", "/v1/requests?follow=1", {
    verb: "start",
    names: ["b"],
    count: 1000,
    spec: { memoryMiB: 16 },
  });
  const total = performance.now() - began;
  const last = JSON.parse(text.trimEnd().split("\n").at(-1) ?? "{}");
  const { operations } = JSON.parse(
    await site.call(
      "GET",
      `/v1/operations?limit=1000&filter=request%3D${last.result.request}`,
    ),
  );
  const each = operations.map((
    { createdAt, endedAt, state, problem }: {
      createdAt: string;
      endedAt: string;
      state: string;
      problem: { detail: string } | null;
    },
  ) => {
    if (state !== "succeeded") throw new Error(problem?.detail ?? state);
    return Date.parse(endedAt) - Date.parse(createdAt);
  });
  return { total, each };
}
