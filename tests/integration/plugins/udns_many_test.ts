/**
 * `udns` and all the names of a site: compared in few messages, by calls that
 * each have a deadline, while VMs come and change.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import * as udns from "../../../plugins/udns/plugin.ts";
import type { VmView } from "../../../src/schema/change.ts";
import { type Bench, onBench } from "../../support/plugin_bench.ts";
import { aVm } from "../../support/plugin_values.ts";
import {
  type CountingProxy,
  countingProxy,
  optionsFor,
  SITE,
  start,
} from "../../support/udns_bench.ts";
import { until } from "../../support/wait.ts";

const MANY = 1500;
const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";

/** VMs whose uids end in every pair of digits, each with an address. */
const VMS = Array.from({ length: MANY }, (_, i) =>
  aVm(`web-${i}.lab.ann`, {
    uid: uidOf(i),
    args: { ip: `10.1.${i >> 8}.${i & 255}` },
  }));

function uidOf(i: number): string {
  const [a, b] = [DIGITS[(i >> 5) & 31], DIGITS[i & 31]];
  return `01j000000000000000000${String(i >> 10).padStart(3, "0")}${a}${b}`;
}

/** The plugin before a server that counts what it is asked. */
async function counted(
  more: Record<string, unknown>,
  vms: readonly VmView[] = VMS,
) {
  await using stack = new AsyncDisposableStack();
  const site = stack.use(await start());
  const proxy = stack.use(countingProxy(site.bind.port));
  const place = { host: site.bind.host, port: proxy.port };
  const options = optionsFor(place, site.secret, { timeout: "20s", ...more });
  const bench = stack.use(await onBench(udns, { options, vms }));
  const kept = stack.move();
  return {
    bind: site.bind,
    proxy,
    bench,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Compares all, call after call as the clock would; how many calls that took. */
async function compared(bench: Bench): Promise<number> {
  let calls = 1;
  await bench.call("ctrl_start", [SITE]);
  for (;;) {
    const next = bench.site.scheduled.get("repair")?.params;
    if (next === undefined) return calls;
    // What comes sooner is a part of what happens now, and may not go on for ever.
    strictEqual(next.when, 1000);
    await bench.call("udns_repair", next.args);
    calls++;
  }
}

/** What was asked by a piece of work. */
async function asked(
  { counts }: CountingProxy,
  work: () => Promise<unknown>,
): Promise<{ queries: number; updates: number }> {
  const before = { ...counts };
  await work();
  return {
    queries: counts.queries - before.queries,
    updates: counts.updates - before.updates,
  };
}

for (const transfer of [false, true]) {
  const how = transfer ? "zones that were read" : "names that are asked for";
  Deno.test(`udns: many VMs are few messages, by ${how}`, async () => {
    await using site = await counted({ transfer });
    const { bind, bench, proxy } = site;
    const zones = transfer ? 3 : 0;
    const first = await asked(proxy, () => compared(bench));
    strictEqual(first.queries, zones);
    ok(first.updates < MANY / 10, `${first.updates} updates`);
    deepStrictEqual(await bind.dig("web-77.lab.ann.vm.test", "A"), [
      "10.1.0.77",
    ]);
    deepStrictEqual(await bind.dig("219.5.1.10.in-addr.arpa", "PTR"), [
      "web-1499.lab.ann.vm.test.",
    ]);

    // One is changed by hand, one taken by a stranger, one VM is gone, one new.
    await bind.update(`zone vm.test
update delete web-7.lab.ann.vm.test A
update add web-7.lab.ann.vm.test 60 A 10.1.9.9
update add new.lab.ann.vm.test 60 A 192.0.2.9`);
    const fresh = aVm("new.lab.ann", { args: { ip: "10.1.8.1" } });
    bench.site.vms = [...VMS.slice(1), fresh];
    const again = await asked(proxy, () => compared(bench));
    ok(again.queries < MANY / 10, `${again.queries} queries`);
    ok(again.updates < MANY / 10, `${again.updates} updates`);
    const at = (name: string) => bind.dig(`${name}.lab.ann.vm.test`, "A");
    deepStrictEqual(await at("web-7"), ["10.1.0.7"]);
    deepStrictEqual(await at("web-0"), []);
    deepStrictEqual(await at("new"), ["192.0.2.9"]);
    deepStrictEqual(await at("web-1"), ["10.1.0.1"]);
    deepStrictEqual((await bind.dig("1.8.1.10.in-addr.arpa", "PTR")).length, 1);
    match(
      bench.lines.map(({ text }) => text).join("\n"),
      /1 names are somebody else's .*: "new\.lab\.ann\.vm\.test"/,
    );
  });
}

Deno.test("udns: a comparison that is cut off goes on where it was", async () => {
  await using site = await counted({});
  const { bind, bench, proxy } = site;
  // Some parts are told, and of the next one the server hears nothing.
  proxy.most = 14;
  await rejects(bench.call("ctrl_start", [SITE], { deadlineMs: 2000 }));
  const place = () => bench.site.scheduled.get("repair")?.params;
  const [from] = place()?.args ?? [];
  strictEqual(place()?.when, 60_000);
  ok(DIGITS.includes(String(from)[0] ?? "?"), `it goes on at "${from}"`);
  proxy.most = Infinity;
  const rest = await asked(proxy, async () => {
    for (let next = place(); next !== undefined; next = place()) {
      await bench.call("udns_repair", next.args);
    }
  });
  ok(rest.updates > 0 && rest.updates < MANY / 10, JSON.stringify(rest));
  for (const i of [0, 700, MANY - 1]) {
    deepStrictEqual(
      (await bind.dig(`web-${i}.lab.ann.vm.test`, "A")).length,
      1,
    );
  }
});

Deno.test("udns: while all are compared a new VM is told at once, and what changed stays", async () => {
  await using site = await counted({});
  const { bind, bench, proxy } = site;
  const fresh = aVm("new.lab.ann", { args: { ip: "10.1.8.1" } });
  // It stands on the last page, and changes when the first ones are told.
  const last = VMS.find(({ uid }) => uid.endsWith("zz"));
  ok(last !== undefined);
  const moved = { ...last, args: { ip: "10.1.8.2" } };
  let isOver = false;
  const over = compared(bench).then(() => isOver = true);
  await until("some are told", () => proxy.counts.updates > 0);
  bench.site.vms = [...VMS.filter((it) => it !== last), fresh, moved];
  await Promise.all([
    bench.call("register", [fresh]),
    bench.call("state_change", [moved]),
  ]);
  strictEqual(isOver, false);
  deepStrictEqual(await bind.dig("new.lab.ann.vm.test", "A"), ["10.1.8.1"]);
  await over;
  deepStrictEqual(await bind.dig(`${last.name}.vm.test`, "A"), ["10.1.8.2"]);
});
