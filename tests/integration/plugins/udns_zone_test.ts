/**
 * `udns` and what a zone has that its own book does not tell: the zone is read
 * as a whole, signed to its end, and what no VM should have is removed.
 *
 * @module
 */
import { deepStrictEqual, match } from "node:assert/strict";
import * as udns from "../../../plugins/udns/plugin.ts";
import { OTHER_KEY } from "../../support/bind_server.ts";
import { onBench } from "../../support/plugin_bench.ts";
import { aVm } from "../../support/plugin_values.ts";
import {
  lyingProxy,
  optionsFor,
  SITE,
  start,
  type Started,
} from "../../support/udns_bench.ts";

const WEB = aVm("web.lab.ann", {
  uid: "01j00000000000000000000001",
  args: { ip: "10.1.0.5" },
});
const OLD = aVm("old.lab.ann", {
  uid: "01j00000000000000000000003",
  args: { ip: "10.1.0.7" },
});
const ZONE_OF_OLD = ["old.lab.ann.vm.test", "7.0.1.10.in-addr.arpa"];

Deno.test("udns reads zones as a whole", async (t) => {
  await using site = await start({ transfer: true });
  const { bind, bench } = site;
  // More than one message of a transfer holds, and as much as one of an update does.
  for (const part of ["a", "b", "c", "d"]) {
    const names = Array.from({ length: 400 }, (_, i) => `${part}-${i}`);
    await bind.update(marks(names, "other"));
  }
  await t.step(
    "what its book has lost is found and removed, nothing else",
    () => lost(site),
  );
  await t.step(
    "a key that may not read zones is told, and goes by the book",
    () => noTransfer(site),
  );
  await t.step(
    "what is changed on its way removes nothing",
    () => changed(site),
  );
  await t.step(
    "another site of the same owner is not swept away",
    () => another(site),
  );
  await t.step("while the server is down it is tried again", async () => {
    await bind.down();
    await bench.call("udns_repair", ["", "zones"]);
    const again = bench.site.scheduled.get("repair")?.params;
    deepStrictEqual([again?.when, again?.args], [60_000, ["", "zones"]]);
  });
});

/** Both are known at the server, and the plugin has forgotten them. */
async function forgotten({ bench }: Started): Promise<void> {
  bench.site.vms = [WEB, OLD];
  for (const vm of [WEB, OLD]) await bench.call("register", [vm]);
  bench.site.state.clear();
  bench.site.vms = [WEB];
}

async function lost(site: Started): Promise<void> {
  const { bind, bench } = site;
  await forgotten(site);
  // A name of one that is there, which it should not have any more.
  await bind.update(`zone 1.10.in-addr.arpa
update add 9.0.1.10.in-addr.arpa 60 PTR web.lab.ann.vm.test.
update add _usher.9.0.1.10.in-addr.arpa 60 TXT "usher=usher vm=${WEB.uid}"`);
  await bench.call("ctrl_start", [SITE]);
  const gone = [...ZONE_OF_OLD, "9.0.1.10.in-addr.arpa"];
  for (const name of gone) {
    for (const at of [name, `_usher.${name}`]) {
      deepStrictEqual(await bind.dig(at, "ANY"), [], at);
    }
  }
  deepStrictEqual(await bind.dig("web.lab.ann.vm.test", "A"), ["10.1.0.5"]);
  deepStrictEqual((await bind.dig("5.0.1.10.in-addr.arpa", "PTR")).length, 1);
  deepStrictEqual((await bind.dig("_usher.a-7.vm.test", "TXT")).length, 1);
  deepStrictEqual(
    bench.lines.filter(({ level }) => level !== "info").map((it) => it.text),
    [],
  );
}

async function noTransfer(site: Started): Promise<void> {
  await forgotten(site);
  await using bench = await onBench(udns, {
    options: optionsFor(site.bind, site.secret, {
      transfer: true,
      key: OTHER_KEY,
    }),
    vms: [WEB],
  });
  await bench.call("ctrl_start", [SITE]);
  match(
    bench.lines.map(({ text }) => text).join(),
    /zone "vm.test", says REFUSED: .* only the plugin's own book is compared/,
  );
  deepStrictEqual([...bench.site.scheduled], []);
  deepStrictEqual((await site.bind.dig(ZONE_OF_OLD[0] ?? "", "A")).length, 1);
}

async function changed(site: Started): Promise<void> {
  using liar = lyingProxy(site.bind.port);
  const place = { host: "127.0.0.1", port: liar.port };
  await using bench = await onBench(udns, {
    options: optionsFor(place, site.secret, { transfer: true }),
    vms: [WEB],
  });
  await bench.call("udns_repair", ["", "zones"]);
  match(bench.lines.map(({ text }) => text).join(), /wrong signature/);
  deepStrictEqual((await site.bind.dig(ZONE_OF_OLD[0] ?? "", "A")).length, 1);
}

async function another({ bind, bench }: Started): Promise<void> {
  const names = Array.from({ length: 30 }, (_, i) => `y-${i}`);
  await bind.update(marks(names, "usher"));
  await bench.call("udns_repair", ["", "zones"]);
  match(
    bench.lines.map(({ text }) => text).join(),
    /does another site have the same "owner"\?/,
  );
  deepStrictEqual((await bind.dig("_usher.y-7.vm.test", "TXT")).length, 1);
}

/** Marks of an owner at these names, each for a VM that is not there. */
function marks(names: readonly string[], owner: string): string {
  const lines = names.map((name) =>
    `update add _usher.${name}.vm.test 60 TXT "usher=${owner} vm=01j0000000000000000000${name}"`
  );
  return ["zone vm.test", ...lines].join("\n");
}
