/**
 * The journal of simulated domains: what survives, and what a bad end of its
 * file costs.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { SimOptions, VmSpec } from "../../schema/vm.ts";
import { crashed, newDomain, paused } from "./domain.ts";
import type { SimDomain } from "./domain_record.ts";
import { openJournal } from "./journal.ts";

function domain(uid: string, knobs: Partial<SimOptions> = {}): SimDomain {
  const spec = VmSpec.parse({ sim: knobs, nics: [{ kind: "user" }] });
  return newDomain({
    uid,
    name: `${uid}.lab.ann`,
    generation: 3,
    incarnation: "op",
    spec,
  }, 1000);
}

async function inFolder(
  test: (folder: string, path: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "journal-" });
  try {
    await test(folder, `${folder}/domains.ndjson`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function write(
  folder: string,
  act: (journal: Awaited<ReturnType<typeof openJournal>>) => void,
) {
  const opened = await openJournal(folder);
  using _ = opened.journal;
  act(opened);
  return opened.domains;
}

Deno.test("openJournal() gives back every record as it was last", async () => {
  await inFolder(async (folder) => {
    const all = [
      domain("plain"),
      domain("knobs", { bootMs: 50, crashAfterMs: 70, replyLost: true }),
      paused(domain("paused"), 2000),
      crashed(domain("crashed")),
      { ...domain("lost"), handle: null },
    ];
    await write(folder, ({ journal }) => {
      journal.put(domain("crashed"));
      journal.put(domain("gone"));
      for (const its of all) journal.put(its);
      journal.gone("sim-gone");
    });

    const found = await write(folder, () => {});

    deepStrictEqual(found, new Map(all.map((its) => [its.domain, its])));
  });
});

Deno.test("openJournal() drops a line that was cut off, and writes on behind the last whole one", async () => {
  await inFolder(async (folder, path) => {
    await write(folder, ({ journal }) => journal.put(domain("whole")));
    await Deno.writeTextFile(path, '{"v":1,"put":{"domain":"sim-ha', {
      append: true,
    });

    await write(folder, ({ domains, journal }) => {
      deepStrictEqual([...domains.keys()], ["sim-whole"]);
      journal.put(domain("next"));
    });

    deepStrictEqual([...(await write(folder, () => {})).keys()], [
      "sim-whole",
      "sim-next",
    ]);
  });
});

Deno.test("openJournal() passes over a damaged line and keeps those behind it", async () => {
  await inFolder(async (folder, path) => {
    await write(folder, ({ journal }) => journal.put(domain("before")));
    await Deno.writeTextFile(path, "\0\0 not json\n", { append: true });
    await write(folder, ({ journal }) => journal.put(domain("after")));

    deepStrictEqual([...(await write(folder, () => {})).keys()], [
      "sim-before",
      "sim-after",
    ]);
  });
});

Deno.test("openJournal() makes a file short again that is mostly old", async () => {
  await inFolder(async (folder, path) => {
    await write(folder, ({ journal }) => {
      for (let i = 0; i < 2000; i++) journal.put(domain(`u${i % 3}`));
    });
    const { size } = await Deno.stat(path);

    const found = await write(
      folder,
      ({ journal }) => journal.put(domain("new")),
    );

    deepStrictEqual(found.size, 3);
    ok((await Deno.stat(path)).size < size / 100);
    deepStrictEqual((await write(folder, () => {})).size, 4);
  });
});
