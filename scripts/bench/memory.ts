/**
 * Resident memory of a controller and an LNM, beside a compiled program that
 * does nothing: what they begin with, and what is added by work that leaves
 * nothing behind.
 *
 * What a role keeps of the past fills up and then stays; the last two rows are
 * beside the one before each, so that growth without an end shows as a ratio
 * that does not come near 1.
 *
 * @module
 */
import { simNode } from "../../tests/support/node_plan.ts";
import { ProcessSite } from "../../tests/support/process_site.ts";
import { rssMiB } from "../../tests/support/role.ts";
import { EXECUTABLE, helloWorld } from "./command.ts";
import { beside, median, type Row } from "./row.ts";

const SITES = 7;

/** So many of the sites go on working, which takes a minute or two. */
const WORKING_SITES = 1;
const VMS = 1000;

/** Cycles of all VMs from one look to the next; a cycle leaves a VM as it was. */
const CYCLES = 10;

const WHENS = [
  "idle",
  "1,000 VMs",
  "after 10,000 cycles",
  "after 20,000 cycles",
  "after 30,000 cycles",
] as const;

/** RSS idle, with 1,000 VMs, and after work on them. */
export async function benchMemory(): Promise<Row[]> {
  const floor = median(
    await Promise.all(Array.from({ length: SITES }, helloRss)),
  );
  const all = new Map<string, number[]>();
  for (let i = 0; i < SITES; i++) await lookAtOne(i < WORKING_SITES, all);
  return (["ctrl", "n1"] as const).flatMap((role) =>
    WHENS.map((when, i) => {
      const value = median(all.get(`${role} ${when}`) ?? []);
      const usher = role === "ctrl" ? "usher ctrl" : "usher lnm";
      const row = { name: `RSS of ${usher}, ${when}`, value, unit: "MiB" };
      const before = WHENS[i - 1];
      return i < 3 || before === undefined
        ? beside(row, "compiled hello world, waiting", floor)
        : beside(row, before, median(all.get(`${role} ${before}`) ?? []));
    })
  );
}

/** One site, from its start on; adds what it sees to `all`. */
async function lookAtOne(
  works: boolean,
  all: Map<string, number[]>,
): Promise<void> {
  await using site = await ProcessSite.start({
    nodes: [simNode("n1")],
    usher: EXECUTABLE,
  });
  const look = async (when: typeof WHENS[number]) => {
    for (const role of ["ctrl", "n1"]) {
      const key = `${role} ${when}`;
      const { pid } = role === "ctrl" ? site.ctrl : site.node(role);
      all.set(key, [...all.get(key) ?? [], await rssMiB(pid)]);
    }
  };
  await look("idle");
  await site.run({
    ...{ verb: "start", names: ["b"], count: VMS, spec: { memoryMiB: 16 } },
  });
  await look("1,000 VMs");
  for (const when of works ? WHENS.slice(2) : []) {
    for (let i = 0; i < CYCLES; i++) {
      await site.run({ verb: "cycle", names: ["b-*"] });
    }
    await look(when);
  }
}

async function helloRss(): Promise<number> {
  const child = new Deno.Command(await helloWorld(), {
    args: ["wait"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  try {
    await child.stdout.getReader().read();
    return await rssMiB(child.pid);
  } finally {
    await child.stdin.close();
    await child.status;
  }
}
