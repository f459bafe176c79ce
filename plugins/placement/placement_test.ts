import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import fc from "fast-check";
import { UsherError } from "../../src/error/mod.ts";
import type { VmView } from "../../src/schema/change.ts";
import type { StartValue } from "../../src/schema/event_value.ts";
import { type Bench, onBench } from "../../tests/support/plugin_bench.ts";
import { EXAMPLE_ASKED } from "../../src/schema/event_example.ts";
import { aVm, startRequest } from "../../tests/support/plugin_values.ts";

const OPTIONS = {
  pools: {
    gpu: { gpu: "yes" },
    teaching: { zone: "b", tier: "old" },
    spill: { zone: "c" },
  },
  rules: [
    { name: "gpu", args: { gpu: "yes" }, pool: "gpu" },
    { name: "students", groups: ["students"], pool: "teaching" },
    { name: "shop", clusters: ["shop"], pool: "gpu" },
  ],
  shares: [
    { name: "boss", users: ["boss"], vms: 1000 },
    { name: "guests", users: ["guest-*"], vms: 1, beyond: { pool: "spill" } },
    { name: "everybody", memory: "2GiB", vcpus: 4 },
  ],
};

function bench(
  vms: readonly VmView[] = [],
  options: Record<string, unknown> = {},
): Promise<Bench> {
  return onBench(import("./plugin.ts"), {
    options: { ...OPTIONS, ...options },
    vms,
    site: {},
  });
}

function ask(
  on: Bench,
  names: readonly string[],
  more: Record<string, unknown> = {},
): Promise<StartValue> {
  return on.call("start_request", [startRequest(names, more)])
    .then((args) => args?.[0] as StartValue);
}

function running(name: string, memoryMiB: number, vcpus = 1): VmView {
  const vm = aVm(name);
  return { ...vm, spec: { ...vm.spec, memoryMiB, vcpus } };
}

async function refusal(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(() => null, (thrown: UsherError) => thrown);
  if (error === null) throw new Error("was not refused");
  strictEqual(error.code, "refused", error.message);
  return error.message.replace('Plugin "placement" refuses: ', "");
}

Deno.test("placement sends VMs to the pool of the first rule, and says why", async () => {
  await using on = await bench();
  const groups = ["students"];
  const taught = await ask(on, ["web.lab.ann"], { groups });
  deepStrictEqual(taught.spec.placement, {
    nodeLabels: { zone: "b", tier: "old" },
  });
  strictEqual(taught.args.placement, 'pool "teaching" by rule "students"');
  const gpu = await ask(on, ["web.lab.ann"], { groups, args: { gpu: "yes" } });
  deepStrictEqual(gpu.spec.placement, { nodeLabels: { gpu: "yes" } });
  const shop = await ask(on, ["web.shop.ann"]);
  deepStrictEqual(shop.spec.placement, { nodeLabels: { gpu: "yes" } });
  const plain = startRequest(["web.lab.ann"]);
  deepStrictEqual(
    await ask(on, ["web.lab.ann"]),
    JSON.parse(JSON.stringify(plain)),
  );
});

Deno.test("placement keeps what was asked beside its labels, and refuses what contradicts them", async () => {
  await using on = await bench();
  const groups = ["students"];
  const spec = {
    placement: { nodeLabels: { disk: "ssd" }, apartFrom: ["db"] },
  };
  const taught = await ask(on, ["web.lab.ann"], { groups, spec });
  deepStrictEqual(taught.spec.placement, {
    nodeLabels: { disk: "ssd", zone: "b", tier: "old" },
    apartFrom: ["db"],
    togetherWith: [],
  });
  const other = { placement: { nodeLabels: { zone: "a" } } };
  match(
    await refusal(ask(on, ["web.lab.ann"], { groups, spec: other })),
    /^Node label zone=a contradicts pool "teaching" by rule "students"$/,
  );
  match(
    await refusal(ask(on, ["web.lab.ann"], { args: { placement: "mine" } })),
    /the site's to give/,
  );
});

Deno.test("placement leaves VMs that exist where their labels put them", async () => {
  await using on = await bench([aVm("old.shop.ann")]);
  const { uid } = aVm("old.shop.ann");
  const old = { name: "old.shop.ann", uid, node: "n1" };
  const again = { names: [old.name], vms: [old] };
  strictEqual((await ask(on, [old.name], again)).args.placement, undefined);
  const fresh = { name: "new.shop.ann", uid: null, node: null };
  const both = await ask(on, [old.name, fresh.name], { vms: [old, fresh] });
  deepStrictEqual(both.args, {});
  deepStrictEqual(both.vmArgs, {
    "new.shop.ann": { placement: 'pool "gpu" by rule "shop"' },
  });
});

Deno.test("placement refuses VMs of different pools in one request", async () => {
  await using on = await bench();
  const asked = ask(on, ["a.shop.ann", "b.lab.ann"]);
  match(await refusal(asked), /go to different pools: gpu, no pool/);
});

Deno.test("placement refuses what passes a share, with what is held and allowed", async () => {
  await using on = await bench([
    running("a.lab.ann", 1024),
    running("b.lab.bob", 4096),
    {
      ...running("off.lab.ann", 8192),
      spec: { ...running("off.lab.ann", 8192).spec, power: "off" },
      status: { ...aVm("x.lab.ann").status, state: "stopped" },
    },
  ]);
  const spec = { memoryMiB: 1025 };
  strictEqual(
    await refusal(ask(on, ["c.lab.ann"], { spec })),
    'User "ann" passes share "everybody" (memory: 1024 MiB held, 2049 MiB wanted, 2048 MiB allowed)',
  );
  await ask(on, ["c.lab.ann"], { spec: { memoryMiB: 1024 } });
  match(
    await refusal(ask(on, ["off.lab.ann"], {
      vms: [{ name: "off.lab.ann", uid: aVm("off.lab.ann").uid, node: "n1" }],
    })),
    /10240 MiB wanted/,
  );
});

Deno.test("placement counts by owner, whoever asks", async () => {
  await using on = await bench([running("a.lab.ann", 2048)]);
  const admin = { user: "root", role: "admin", groups: ["students"] };
  match(await refusal(ask(on, ["b.lab.ann"], admin)), /User "ann" passes/);
  const own = await ask(on, ["b.lab.root"], admin);
  strictEqual(own.args.placement, 'pool "teaching" by rule "students"');
});

Deno.test("placement lets a VM that runs be started again, whatever its owner holds", async () => {
  await using on = await bench([running("a.lab.ann", 9999)]);
  const vms = [{ name: "a.lab.ann", uid: aVm("a.lab.ann").uid, node: "n1" }];
  await ask(on, ["a.lab.ann"], { vms });
});

Deno.test("placement sends to a pool what is beyond a share", async () => {
  await using on = await bench();
  const guest = { user: "guest-1" };
  const first = await ask(on, ["a.lab.guest-1"], guest);
  strictEqual(first.args.placement, undefined);
  const second = await ask(on, ["b.lab.guest-1"], guest);
  deepStrictEqual(second.spec.placement, { nodeLabels: { zone: "c" } });
  match(second.args.placement ?? "", /^pool "spill": .* 2 wanted, 1 allowed/);
});

Deno.test("placement lets nobody pass a share by asking twice at once", async () => {
  await using on = await bench();
  const spec = { memoryMiB: 512 };
  const asked = await Promise.allSettled(
    Array.from({ length: 10 }, (_, i) => ask(on, [`v${i}.lab.ann`], { spec })),
  );
  strictEqual(asked.filter(({ status }) => status === "fulfilled").length, 4);
  // Asked for again, what was let through is not counted twice.
  await ask(on, ["v0.lab.ann"], { spec });
});

Deno.test("placement lets nobody pass a share, however starts and what is known of them interleave", async () => {
  const step = fc.record({
    sizes: fc.array(fc.integer({ min: 16, max: 900 }), { maxLength: 4 }),
    shows: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (steps) => {
      await using on = await bench();
      const held = new Map<string, number>();
      for (const [round, { sizes, shows }] of steps.entries()) {
        const asked = sizes.map(async (memoryMiB, index) => {
          const name = `v${round}-${index}.lab.ann`;
          const spec = { memoryMiB };
          const isIn = await ask(on, [name], { spec }).then(
            () => true,
            () => false,
          );
          if (isIn) held.set(name, memoryMiB);
        });
        await Promise.all(asked);
        const sum = [...held.values()].reduce((all, it) => all + it, 0);
        strictEqual(sum <= 2048 && held.size <= 4, true, `${sum} MiB`);
        if (!shows) continue;
        on.site.vms = [...held].map(([name, mib]) => running(name, mib));
      }
    }),
    { numRuns: 40 },
  );
});

Deno.test("placement counts all clusters of one request together, and what it refused not at all", async () => {
  await using on = await bench();
  const spec = { memoryMiB: 1500 };
  const both = ["a.lab.ann", "b.web.ann"];
  match(await refusal(ask(on, both, { spec })), /3000 MiB wanted/);
  await ask(on, ["a.lab.ann"], { spec });
});

Deno.test("placement counts nothing while recorded events are played", async () => {
  await using on = await bench();
  const request = startRequest(["a.lab.ann"], { spec: { memoryMiB: 2048 } });
  await on.call("start_request", [request], { isReplay: true });
  await ask(on, ["b.lab.ann"], { spec: { memoryMiB: 2048 } });
});

Deno.test("placement gives a VM that is only registered its pool, too", async () => {
  await using on = await bench();
  const register = {
    ...startRequest(["a.shop.ann"]),
    ...EXAMPLE_ASKED,
    verb: "register",
  };
  const [answer] = await on.call("request", [register]) ?? [];
  deepStrictEqual((answer as StartValue).spec.placement, {
    nodeLabels: { gpu: "yes" },
  });
  const start = startRequest(["a.shop.ann"]);
  strictEqual(await on.call("request", [start]), null);
});

Deno.test("placement says where its options are wrong", async () => {
  const cases: readonly [Record<string, unknown>, RegExp][] = [
    [{ rules: [{ name: "a", pool: "none" }] }, /"none" is none of the pools/],
    [{ shares: [{ name: "a" }] }, /must bound memory, vcpus or vms/],
    [{ shares: [{ name: "a", vms: 1, beyond: { pool: "x" } }] }, /"x" is none/],
    [{ shares: [{ name: "a", vms: 1, beyond: "no" }] }, /must be refuse/],
    [{ rules: [{ name: "a", pool: "gpu", users: [] }] }, /for everybody/],
    [{ rules: [{ name: "a", pool: "gpu", users: ["[a"] }] }, /no pattern/],
  ];
  for (const [options, wrong] of cases) {
    await rejects(bench([], options), wrong);
  }
});
