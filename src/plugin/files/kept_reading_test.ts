import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Manifest, PluginLimits } from "../../schema/plugin.ts";
import { keepReading, keptReading } from "./kept_reading.ts";
import type { PluginReading, ToRead } from "./read.ts";
import { Readings } from "./readings.ts";

const HASH = "a".repeat(64);
const READING: PluginReading = {
  manifest: Manifest.parse({
    ...{ name: "one", version: "1", api: 1, ctx: ["vms"], verbs: ["start"] },
    ...{ permissions: { net: ["a:1"], read: true }, events: { e: "an end" } },
  }),
  handles: ["*"],
  registrations: [{ handles: ["*"], issues: [] }],
  schema: { type: "object" },
};

function plugin(store: string, options: unknown = {}): ToRead {
  return {
    name: "one",
    snapshot: {
      ...{ source: "/one.ts", hash: HASH, folder: `${store}/${HASH}` },
      entry: "one.ts",
    },
    registrations: [{ event: "start", order: null, options }],
    limits: PluginLimits.parse({}),
  };
}

async function inFolder(work: (store: string) => Promise<void>) {
  const store = await Deno.makeTempDir({ prefix: "kept_" });
  try {
    await work(store);
  } finally {
    await Deno.remove(store, { recursive: true });
  }
}

Deno.test("what a plugin is comes back as it was, to the same usher and the same options alone", () =>
  inFolder(async (store) => {
    strictEqual(await keptReading(plugin(store), "1 a"), null);
    await keepReading(plugin(store), "1 a", READING);
    deepStrictEqual(await keptReading(plugin(store), "1 a"), READING);
    strictEqual(await keptReading(plugin(store), "1 b"), null);
    strictEqual(await keptReading(plugin(store, { b: 1 }), "1 a"), null);
  }));

Deno.test("a reading is kept without the options, and not when something is wrong with them", () =>
  inFolder(async (store) => {
    const issues = [{ path: [], message: "no", unknown: [], known: [] }];
    await keepReading(plugin(store), "1 a", {
      ...READING,
      registrations: [{ handles: [], issues }],
    });
    strictEqual([...Deno.readDirSync(store)].length, 0);
    await keepReading(plugin(store, { password: "sesame" }), "1 a", READING);
    const text = await Deno.readTextFile(`${store}/reading-${HASH}.json`);
    ok(!text.includes("sesame"));
  }));

Deno.test("a reading that is half written, or none, is read anew", () =>
  inFolder(async (store) => {
    const path = `${store}/reading-${HASH}.json`;
    await keepReading(plugin(store), "1 a", READING);
    const whole = await Deno.readTextFile(path);
    for (
      const text of ["", whole.slice(0, -9), "{}", whole.replace("vms", "x")]
    ) {
      await Deno.writeTextFile(path, text);
      strictEqual(await keptReading(plugin(store), "1 a"), null);
    }
  }));

Deno.test("a controller that starts again does not ask a plugin what it is", () =>
  inFolder(async (store) => {
    let reads = 0;
    const reader = {
      read: () => {
        reads++;
        return Promise.resolve(READING);
      },
    };
    for (const usher of ["1 a", "1 a", "1 b", null]) {
      const found = await new Readings(usher).read(plugin(store), reader);
      deepStrictEqual(found, READING);
    }
    strictEqual(reads, 3);
  }));
