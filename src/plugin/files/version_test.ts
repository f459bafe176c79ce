/**
 * Versions: recalled as they ran, gone with their snapshots.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { fakePlugin } from "../../../tests/support/fake_runner.ts";
import type { LoadedPlugin } from "../runner.ts";
import { forgetVersions, noteVersion, recallVersion } from "./version.ts";

const HASH = "a".repeat(64);

async function inStore(
  test: (store: string, plugin: LoadedPlugin) => Promise<void>,
): Promise<void> {
  const store = await Deno.makeTempDir({ prefix: "usher_versions_" });
  try {
    await Deno.mkdir(`${store}/${HASH}`);
    const registered = [
      { event: "start", order: 2, deadline: "7s" },
      "register",
    ];
    const plugin = fakePlugin("p", registered as never, HASH);
    const snapshot = {
      ...plugin.snapshot,
      folder: `${store}/${HASH}`,
      entry: "p.ts",
    };
    await test(store, { ...plugin, snapshot });
  } finally {
    await Deno.remove(store, { recursive: true });
  }
}

Deno.test("recallVersion() gives what noteVersion() was told, with numbers of its own", async () => {
  await inStore(async (store, plugin) => {
    await noteVersion(store, plugin);
    let id = 1000;
    const recalled = await recallVersion(store, "p", HASH, () => ++id);
    deepStrictEqual(recalled, {
      ...plugin,
      registrations: plugin.registrations.map((one, i) => ({
        ...one,
        id: 1001 + i,
      })),
    });
    const path = `${store}/versions/${HASH}.p.json`;
    strictEqual((await Deno.stat(path)).mode! & 0o777, 0o600);
    // Of the same files under another name nothing is known.
    strictEqual(await recallVersion(store, "q", HASH, () => 1), null);
    await Deno.writeTextFile(path, "{");
    strictEqual(await recallVersion(store, "p", HASH, () => 1), null);
  });
});

Deno.test("forgetVersions() removes what was noted of snapshots that are gone, and nothing else", async () => {
  await inStore(async (store, plugin) => {
    await forgetVersions(store);
    await noteVersion(store, plugin);
    await forgetVersions(store);
    const next = () => 1;
    strictEqual((await recallVersion(store, "p", HASH, next))?.name, "p");
    await Deno.remove(`${store}/${HASH}`);
    strictEqual(await recallVersion(store, "p", HASH, next), null);
    await forgetVersions(store);
    deepStrictEqual([...Deno.readDirSync(`${store}/versions`)], []);
  });
});
