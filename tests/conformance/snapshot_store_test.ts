import { ok, rejects, strictEqual } from "node:assert/strict";
import { pluginAt } from "../../src/plugin/files/find.ts";
import {
  SnapshotStore,
  UNUSED_MS,
} from "../../src/plugin/files/snapshot_store.ts";
import { PluginFolder } from "../support/plugin_folder.ts";

const NONE: ReadonlySet<string> = new Set();

/** A folder with plugin "one", and a store that has not seen it. */
async function scene() {
  const folder = await PluginFolder.make();
  const path = await folder.write({ "one.ts": "export const a: number = 1;" });
  return {
    folder,
    place: await pluginAt(path),
    store: new SnapshotStore(folder.store),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

async function age(path: string): Promise<void> {
  const old = new Date(Date.now() - UNUSED_MS);
  await Deno.utime(path, old, old);
}

function names({ folder }: { readonly folder: PluginFolder }): string[] {
  return Array.from(Deno.readDirSync(folder.store), ({ name }) => name);
}

Deno.test("a snapshot that somebody has stays, however old it is and whatever nobody needs", async () => {
  await using at = await scene();
  const snapshot = await at.store.take(at.place);
  await age(snapshot.folder);
  await at.store.tidy(NONE);
  strictEqual(names(at).join(), snapshot.hash);
});

Deno.test("what an earlier controller left goes once it is old, unless an operation needs it", async () => {
  await using at = await scene();
  const { hash, folder } = await new SnapshotStore(at.folder.store).take(
    at.place,
  );
  await Deno.mkdir(`${at.folder.store}/part-1`);
  await Deno.mkdir(`${at.folder.store}/notes`);
  const kept = `reading-${hash}.json`;
  await Deno.writeTextFile(`${at.folder.store}/${kept}`, "{}");
  await at.store.tidy(NONE);
  strictEqual(names(at).length, 4);
  for (const name of [hash, kept, "part-1", "notes"]) {
    await age(`${at.folder.store}/${name}`);
  }
  await at.store.tidy(new Set([hash]));
  strictEqual(names(at).sort().join(), [hash, kept, "notes"].sort().join());
  await age(folder);
  await at.store.tidy(NONE);
  strictEqual(names(at).join(), "notes");
});

Deno.test("what is taken while the folder is tidied is there when it is given away, and after", async () => {
  await using at = await scene();
  for (let round = 0; round < 30; round++) {
    // As an earlier controller left it; nobody has it yet.
    const { folder } = await new SnapshotStore(at.folder.store).take(at.place);
    await age(folder);
    const store = new SnapshotStore(at.folder.store);
    const tidied = [store.tidy(NONE)];
    const taken = [store.take(at.place), store.take(at.place)];
    tidied.push(store.tidy(NONE));
    taken.push(store.take(at.place));
    const snapshots = await Promise.all(taken);
    await Promise.all(tidied);
    for (const { folder, entry } of snapshots) {
      ok((await Deno.stat(`${folder}/${entry}`)).isFile);
    }
  }
});

Deno.test("a plugin that cannot be taken keeps nobody from taking or tidying", async () => {
  await using at = await scene();
  await at.folder.write({ "two.ts": "const = 1;" });
  const two = await pluginAt(`${at.folder.plugins}/two.ts`);
  const broken = rejects(at.store.take(two), { code: "invalid_input" });
  await at.store.tidy(NONE);
  await broken;
  ok((await at.store.take(at.place)).hash);
});
