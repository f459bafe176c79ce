import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { PluginContext, VmUsage, VmView } from "@usher/plugin";
import fc from "fast-check";
import { allUsage, allVms } from "./all_vms.ts";

const PAGE = 10_000;

const named = (name: string) => ({ name }) as VmView;

/** A site that gives what is asked for, in order; `between` is run after each page. */
function siteOf(
  names: Set<string>,
  between: (page: number) => void = () => {},
) {
  const asked: number[] = [];
  const page = ({ after = "", limit = Infinity }) => {
    asked.push(limit);
    const found = [...names].toSorted().filter((name) => name > after)
      .slice(0, limit);
    between(asked.length);
    return Promise.resolve(found);
  };
  const vms = {
    list: async (filter = {}) => (await page(filter)).map(named),
  } as PluginContext["vms"];
  const usage = {
    vms: async (filter = {}) =>
      Object.fromEntries((await page(filter)).map((name) => [name, {}])),
  } as unknown as PluginContext["usage"];
  return { vms, usage, asked };
}

function manyNames(count: number): Set<string> {
  return new Set(Array.from({ length: count }, (_, i) => `vm${i}.lab.ann`));
}

Deno.test("all VMs and their usage are read, each once, whether or not they fill their pages", async () => {
  for (const count of [0, 1, PAGE - 1, PAGE, PAGE + 1, 12_000, 2 * PAGE]) {
    const names = manyNames(count);
    const { vms, usage, asked } = siteOf(names);
    const all = (await allVms(vms)).map(({ name }) => name);
    deepStrictEqual(all, [...names].toSorted());
    strictEqual(asked.length, Math.floor(count / PAGE) + 1);
    const used: Record<string, VmUsage> = await allUsage(usage);
    deepStrictEqual(new Set(Object.keys(used)), names);
  }
});

Deno.test("whatever comes and goes between two pages, a VM that is there all along is read, and none twice", async () => {
  const change = fc.record({
    name: fc.stringMatching(/^[a-z0-9]{1,4}$/).map((it) => `${it}.lab.ann`),
    goes: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 50 }), async (changes) => {
      const names = manyNames(12_000);
      for (const { name, goes } of changes) if (goes) names.add(name);
      const { vms } = siteOf(names, (page) => {
        if (page > 1) return;
        for (const { name, goes } of changes) {
          if (goes) names.delete(name);
          else names.add(name);
        }
      });
      const all = (await allVms(vms)).map(({ name }) => name);
      strictEqual(new Set(all).size, all.length);
      const read = new Set(all);
      const touched = new Set(changes.map(({ name }) => name));
      for (const name of manyNames(12_000)) {
        if (!touched.has(name)) strictEqual(read.has(name), true, name);
      }
    }),
    { numRuns: 10 },
  );
});
