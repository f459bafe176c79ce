/**
 * Live migration of a 256 MiB guest, by two drivers and by a whole site, beside
 * two bare QEMUs, each in turn in the same run: with QEMU's usual limit of
 * 128 MB/s and without any, and with a guest that rewrites 48 MiB of its memory
 * over and over.
 *
 * usher always encrypts, so its rival does too, with the same certificates; a
 * bare QEMU in plain text tells what that costs. A total is from the wish to
 * the guest running at its target, the start of the target's QEMU included on
 * every side. Only the guest that is moved runs: the processors are few.
 *
 * @module
 */
import { writePeerKeys } from "../../tests/support/peer_keys.ts";
import { QemuNode } from "../../tests/support/qemu_node.ts";
import { Move } from "../../tests/support/qemu_pair.ts";
import { noAbort } from "../../tests/conformance/driver/harness.ts";
import { TestSite } from "../../tests/support/site.ts";
import { QmpClient } from "../../src/driver/qemu/qmp/client.ts";
import type { DomainPlan } from "../../src/driver/driver.ts";
import { connectUnix } from "../../src/sys/unix_socket.ts";
import {
  BareMigration,
  MEMORY_MIB,
  type Moved,
  watchPause,
} from "./bare_migration.ts";
import { GUEST } from "./bare_qemu.ts";
import { until } from "../../tests/support/wait.ts";
import { beside, median, type Row, time } from "./row.ts";

const ROUNDS = 11;
const CAP = 128 * 1024 * 1024;
const TOTAL = "migration by two drivers";
const IDLE = "an idle guest";
const CMDLINE = "console=ttyS0 no_timer_check quiet";

/** Every figure of a migration, each as soon as it is there. */
export async function* benchMigrate(): AsyncGenerator<Row> {
  let byDrivers = NaN;
  for await (const row of benchGuest("", [CAP, undefined])) {
    if (row.name === `${TOTAL} of ${IDLE}, no limit`) byDrivers = row.value;
    yield row;
  }
  yield* benchGuest("usher.dirty=48", [CAP, undefined]);
  yield await benchSite(byDrivers);
}

async function* benchGuest(
  knobs: string,
  caps: readonly (number | undefined)[],
): AsyncGenerator<Row> {
  await using n1 = await QemuNode.open();
  const n2 = await n1.peer({ name: "n2" });
  for (const node of [n1, n2]) await writePeerKeys(node.keys, node.name);
  const keys = { n1: n1.keys, n2: n2.keys };
  const plan = n1.planGuest(knobs, { memoryMiB: MEMORY_MIB });
  await n1.driver.start(plan, noAbort());
  await n1.untilPrinted(plan.uid, "usher-guest ready");
  await n1.driver.pausing?.pause(plan.uid, noAbort());
  await using plain = await BareMigration.start(`${CMDLINE} ${knobs}`);
  await using tls = await BareMigration.start(`${CMDLINE} ${knobs}`);
  const pair: [QemuNode, QemuNode] = [n1, n2];
  for (const bandwidth of caps) {
    const all: Moved[][] = [[], [], []];
    for (let round = -1; round < ROUNDS; round++) {
      const moved = [
        await plain.move({ bandwidth, keys: null, autoConverge: true }),
        await tls.move({ bandwidth, keys, autoConverge: true }),
        await byDrivers(pair, plan, bandwidth),
      ];
      pair.reverse();
      if (round < 0) continue; // the first of each fills caches
      moved.forEach((its, i) => all[i]?.push(its));
    }
    const what = (knobs === "" ? IDLE : "a guest that writes") +
      (bandwidth === undefined ? ", no limit" : ", 128 MiB/s");
    yield* rowsOf(what, all);
  }
}

async function byDrivers(
  [source, target]: readonly [QemuNode, QemuNode],
  plan: DomainPlan,
  bandwidth: number | undefined,
): Promise<Moved> {
  const move = new Move(
    source,
    target,
    plan,
    bandwidth === undefined ? {} : { bandwidth },
  );
  await source.driver.pausing?.resume(plan.uid, noAbort());
  using before = await listenTo(source, plan.uid);
  const watch = watchPause(before);
  const began = performance.now();
  await move.prepare();
  using after = await listenTo(target, plan.uid);
  watch.expect(after);
  await move.send();
  await move.activate();
  const total = performance.now() - began;
  const pause = await watch.pause;
  await move.releaseSource();
  await target.driver.pausing?.pause(plan.uid, noAbort());
  return { total, pause, isEndless: false };
}

async function listenTo(node: QemuNode, uid: string): Promise<QmpClient> {
  const client = new QmpClient();
  const path = node.layout.files(uid).monitors[1];
  await client.open(() => connectUnix(path), AbortSignal.timeout(20_000));
  return client;
}

function rowsOf(what: string, [plain, tls, usher]: Moved[][]): Row[] {
  const row = (key: "total" | "pause", name: string, target: string) =>
    beside(
      {
        name: `${name} of ${what}`,
        value: middle(usher, key),
        unit: "ms",
        note:
          `${target}; without TLS ${middle(plain, key).toFixed(0)} ms, so ` +
          `encrypting costs ×${
            (middle(tls, key) / middle(plain, key)).toFixed(2)
          }${endless(plain)}${endless(tls)}`,
      },
      "bare QEMU with TLS",
      middle(tls, key),
    );
  return [
    row("total", TOTAL, "target ×1.25"),
    row("pause", "pause", "target 30 ms more"),
  ];
}

function middle(
  all: readonly Moved[] | undefined,
  key: "total" | "pause",
): number {
  const values = (all ?? []).map((moved) => moved[key]);
  return median(values.filter((value) => !Number.isNaN(value)));
}

/** How many were given up, in words, when any was. */
function endless(all: readonly Moved[] | undefined): string {
  const count = (all ?? []).filter(({ isEndless }) => isEndless).length;
  return count === 0 ? "" : `; a bare one gave up ${count} of ${ROUNDS}`;
}

/** From the request to its answer; the second move goes back. */
async function benchSite(byDrivers: number): Promise<Row> {
  const stateDir = await Deno.makeTempDir({ prefix: "uqs" });
  await using site = await TestSite.start({
    nodes: 2,
    stateDir,
    driver: "qemu",
    lnm: { drivers: { qemu: { accel: "tcg" } } },
  });
  await site.run("start", "web", {
    spec: { memoryMiB: MEMORY_MIB, boot: { ...GUEST, cmdline: CMDLINE } },
  });
  const { uid, node } = await site.vm("web");
  const log = `${stateDir}/${node}/qemu/logs/${uid}.console`;
  // One that still boots writes all the time.
  await until(
    "the guest is up",
    async () => (await Deno.readTextFile(log)).includes("usher-guest ready"),
    { deadlineMs: 120_000 },
  );
  await site.run("migrate", "web");
  const all: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    all.push(await time(() => site.run("migrate", "web")));
  }
  await site.run("destroy", "web");
  return beside(
    {
      name: "migration of an idle guest by a site, through the API",
      value: median(all),
      unit: "ms",
      note:
        "its whole operation, no limit; libvirt took 1980 ms on such a machine",
    },
    TOTAL,
    byDrivers,
  );
}
