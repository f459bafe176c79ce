/**
 * The comparison, and the leases of many VMs that their database has lost:
 * written down many at a time.
 *
 * @module
 */
import { deepStrictEqual, match, ok } from "node:assert/strict";
import type { Lease, Leases, Want } from "./leases.ts";
import type { Options } from "./options.ts";
import { forgetRead, OwnLeases } from "./own_leases.ts";
import { readRanges } from "./range.ts";
import { reconcile } from "./reconcile.ts";
import { TOKEN } from "./vm_args.ts";
import type { PluginContext } from "../../src/plugin/api.ts";
import { aVm } from "../../tests/support/plugin_values.ts";

const RANGES = { lab: { ipv4: { network: "10.1.0.0/20", exclude: [] } } };
const VMS = Array.from({ length: 2000 }, (_, i) =>
  aVm(`web-${i}.lab.ann`, {
    uid: `01j00000000000000000${String(i).padStart(6, "0")}`,
    args: {
      range: "lab",
      ip: `10.1.${(i + 10) >> 8}.${(i + 10) & 255}`,
      [TOKEN]: `token-${i}`,
    },
  }));

/** Leases in a space that is empty, and how often some were taken. */
function counted(): { leases: Leases; taken: () => number } {
  forgetRead();
  const space = new Map<string, unknown>();
  const state = {
    get: (key: string) => Promise.resolve(space.get(key) ?? null),
    commit: (changes: readonly { key: string; value: unknown }[]) => {
      for (const { key, value } of changes) space.set(key, value);
      return Promise.resolve(true);
    },
  } as unknown as PluginContext["state"];
  const pools = [...readRanges(RANGES as unknown as Options["ranges"]).values()]
    .flatMap(({ pools }) => pools);
  const leases = new OwnLeases(state, pools);
  let taken = 0;
  const take = leases.take.bind(leases);
  leases.take = (wants: readonly Want[], now: number) => {
    taken++;
    return take(wants, now);
  };
  return { leases, taken: () => taken };
}

Deno.test("reconcile(): leases of many VMs that are lost are written down again, many at a time", async () => {
  const { leases, taken } = counted();
  const lines: string[] = [];
  const say = (text: string) => void lines.push(text);
  const ctx = {
    options: { ranges: RANGES, pending: 60_000 },
    vms: {
      list: ({ after = "" }: { after?: string }) =>
        Promise.resolve(after === "" ? VMS : []),
    },
    log: { info: say, warn: say, error: say, debug: say },
  } as unknown as PluginContext<Options>;
  // One of their addresses is somebody else's by now.
  const [other] = VMS.slice(-1).map(({ args }) => args["ip"]);
  const pool = readRanges(ctx.options.ranges).get("lab")?.pools[0];
  ok(pool !== undefined);
  const theirs = await leases.take([{
    pool,
    token: "another",
    vm: "db.lab.bob",
    uid: null,
    request: null,
    exactly: 10n * 2n ** 24n + 1n * 2n ** 16n + BigInt(VMS.length + 9),
  }], Date.now());
  ok(theirs[0] !== null);
  await reconcile(leases, ctx);
  const all = new Map(
    (await leases.list()).map((it): [string, Lease] => [it.vm, it]),
  );
  deepStrictEqual(all.size, VMS.length);
  deepStrictEqual(all.get("web-7.lab.ann")?.token, "token-7");
  deepStrictEqual(lines.length, 1);
  match(lines[0] ?? "", new RegExp(`"web-1999.*${other}.*"db\\.lab\\.bob"`));
  ok(taken() < 10, `${taken()} times`);
});
