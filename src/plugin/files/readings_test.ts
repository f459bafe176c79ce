import { rejects, strictEqual } from "node:assert/strict";
import { Manifest, PluginLimits } from "../../schema/plugin.ts";
import type { PluginReading, ToRead } from "./read.ts";
import { Readings } from "./readings.ts";

function plugin(name: string, hash = "1", options: unknown = {}): ToRead {
  return {
    name,
    snapshot: { source: `/${name}.ts`, hash, folder: `/${hash}`, entry: "x" },
    registrations: [{ event: "start", order: null, options }],
    limits: PluginLimits.parse({}),
  };
}

/** A reader that counts, and answers when it is told to. */
class Reader {
  reads = 0;
  most = 0;
  #now = 0;
  isBroken = false;

  async read({ name }: ToRead): Promise<PluginReading> {
    this.reads++;
    this.most = Math.max(this.most, ++this.#now);
    await new Promise((done) => setTimeout(done, 0));
    this.#now--;
    if (this.isBroken) throw new Error("broken");
    const manifest = Manifest.parse({ name, version: "1", api: 1 });
    return { manifest, handles: [], registrations: [], schema: null };
  }
}

Deno.test("a plugin is read once while neither its files nor its options change", async () => {
  const [readings, reader] = [new Readings(), new Reader()];
  await readings.read(plugin("a"), reader);
  await readings.read(plugin("a"), reader);
  strictEqual(reader.reads, 1);
  await readings.read(plugin("a", "2"), reader);
  await readings.read(plugin("a", "1", { limit: 3 }), reader);
  await readings.read(plugin("b"), reader);
  strictEqual(reader.reads, 4);
});

Deno.test("many are read a few at a time, and all of them", async () => {
  const [readings, reader] = [new Readings(), new Reader()];
  const all = Array.from({ length: 30 }, (_, i) => plugin(`p${i}`));
  const read = await Promise.all(all.map((one) => readings.read(one, reader)));
  strictEqual(read.length, 30);
  strictEqual(reader.reads, 30);
  strictEqual(reader.most, 4);
});

Deno.test("one that cannot be read is tried again, and keeps nobody else waiting", async () => {
  const [readings, reader] = [new Readings(), new Reader()];
  reader.isBroken = true;
  for (let i = 0; i < 10; i++) {
    await rejects(readings.read(plugin("a"), reader), /broken/);
  }
  strictEqual(reader.reads, 10);
  reader.isBroken = false;
  strictEqual((await readings.read(plugin("a"), reader)).manifest.name, "a");
});
