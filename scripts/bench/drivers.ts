/**
 * What usher costs over each hypervisor's own tools: a start, the news of a
 * guest that somebody stopped by hand, and a list of 50 domains.
 *
 * The rows of Xen are taken where Xen is, by the lab's own run.
 *
 * @module
 */
import type { Driver } from "../../src/driver/driver.ts";
import { createDriver } from "../../src/driver/registry.ts";
import { VmSpec } from "../../src/schema/vm.ts";
import { newId } from "../../src/sys/id.ts";
import { Reader } from "../../tests/support/reader.ts";
import { TestSite } from "../../tests/support/site.ts";
import {
  libvirtSubject,
  qemuSubject,
  SIM,
  type Subject,
} from "./driver_subject.ts";
import { beside, median, type Row, time, timed } from "./row.ts";

const ROUNDS = 9;
const DOMAINS = 50;
const AT_ONCE = 4;
const never = new AbortController().signal;

/** The rows of every driver whose hypervisor is there. */
export async function* benchDrivers(): AsyncGenerator<Row> {
  const dir = await Deno.makeTempDir({ prefix: "ub" });
  try {
    for (
      const open of [() => Promise.resolve(SIM), qemuSubject, libvirtSubject]
    ) {
      await using subject = await open(dir);
      if (subject === null) continue;
      yield* siteRows(subject);
      yield await listRow(subject, dir);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Starts and ends through a whole site, beside those without usher. */
async function* siteRows(subject: Subject): AsyncGenerator<Row> {
  const { driver, config, guest, tool = "" } = subject;
  const stateDir = await Deno.makeTempDir({ prefix: "ub" });
  const starts: number[] = [];
  const news: number[] = [];
  const bare: { start: number; stop: number }[] = [];
  try {
    await using site = await TestSite.start({
      driver,
      stateDir,
      lnm: { drivers: { [driver]: config } },
    });
    for (let round = -1; round < ROUNDS; round++) {
      const alone = await subject.bare?.(`bare${round + 1}`);
      const name = `vm${round + 1}`;
      const spec = { ...guest, driver };
      const start = await time(async () => {
        const { outcomes: [outcome] } = await site.run("start", name, { spec });
        if (outcome?.problem) throw new Error(outcome.problem.detail);
      });
      const told = await newsOf(site, subject, name, stateDir);
      await site.run("destroy", name);
      if (round < 0) continue; // the first of each fills caches
      starts.push(start);
      if (told !== null) news.push(told);
      if (alone !== undefined) bare.push(alone);
    }
  } finally {
    await Deno.remove(stateDir, { recursive: true });
  }
  const row = { name: `${driver}: start through the API`, unit: "ms" };
  const value = median(starts);
  if (bare.length === 0) {
    yield { ...row, value, note: "nothing is started" };
    return;
  }
  const floor = median(bare.map((its) => its.start));
  const adds = { note: `adds ${(value - floor).toFixed(1)} ms` };
  yield beside({ ...row, value, ...adds }, `start by ${tool}`, floor);
  if (news.length === 0) return;
  const [told, stopped] = [median(news), median(bare.map((its) => its.stop))];
  yield beside(
    {
      name: `${driver}: stopped by hand to state_change at a client`,
      value: told,
      unit: "ms",
      note: `${(told - stopped).toFixed(1)} ms after it; target < 200 ms`,
    },
    `stop by ${tool}`,
    stopped,
  );
}

/** From the hand that stops a guest to the news of it at a client; null where nobody can. */
async function newsOf(
  site: TestSite,
  { stopByHand }: Subject,
  name: string,
  dir: string,
): Promise<number | null> {
  if (stopByHand === undefined) return null;
  const { uid } = await site.vm(name);
  await using reader = await Reader.open(site, "/v1/watch");
  await reader.until(({ type }) => type === "synced");
  return await time(async () => {
    await stopByHand(uid, `${dir}/n1`, `${dir}/run/n1`);
    await reader.until(({ type, kind, value }) => {
      const vm = value as { uid?: string; status?: { state: string } };
      return type === "put" && kind === "vm" && vm.uid === uid &&
        ["stopped", "crashed"].includes(vm.status?.state ?? "");
    });
  });
}

/** The driver's own list of many domains, beside the hypervisor's. */
async function listRow(subject: Subject, dir: string): Promise<Row> {
  const { driver: name, config, idle, list } = subject;
  await using driver = await createDriver(name, {
    node: "n1",
    stateDir: `${dir}/s-${name}`,
    runDir: `${dir}/r-${name}`,
    log() {},
  }, config);
  const uids = await startMany(driver, VmSpec.parse({ ...idle, driver: name }));
  try {
    await driver.list(never); // the first fills caches
    const value = median(await timed(ROUNDS, () => driver.list(never)));
    const row = { name: `${name}: ${uids.length} domains listed`, unit: "ms" };
    if (list === undefined) return { ...row, value };
    const [tool, run] = list;
    return beside({ ...row, value }, tool, median(await timed(ROUNDS, run)));
  } finally {
    await eachOf(uids, async (uid) => {
      await driver.stop(uid, { graceMs: 0, signal: never });
      await driver.forget(uid, never);
    });
  }
}

async function startMany(driver: Driver, spec: VmSpec): Promise<string[]> {
  const uids = Array.from({ length: DOMAINS }, () => newId());
  await eachOf(uids, async (uid, at) => {
    const name = `idle-${at + 1}.bench.ann`;
    const its = { generation: 1, incarnation: newId(), spec };
    await driver.start({ uid, name, ...its }, never);
  });
  return uids;
}

/** `work` for each, a few at a time: a start of 50 guests at once measures the machine. */
async function eachOf(
  uids: readonly string[],
  work: (uid: string, at: number) => Promise<unknown>,
): Promise<void> {
  const left = uids.entries();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const [at, uid] of left) await work(uid, at);
  }));
}
