/**
 * What is in a file: the same for the same content, and read again only when
 * the file may have changed.
 *
 * @module
 */
import { notStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { Digests } from "./file_digest.ts";

Deno.test("a digest depends on the content alone, is remembered, and is not believed of a file that changed", async () => {
  const folder = await Deno.makeTempDir({ prefix: "usher_digest_" });
  try {
    const [a, b] = [`${folder}/a`, `${folder}/b`];
    await Deno.writeTextFile(a, "one");
    await Deno.writeTextFile(b, "one");
    const never = new AbortController().signal;
    const digests = new Digests(`${folder}/memory`);
    const first = await digests.of(a, never);
    strictEqual(await digests.of(b, never), first);
    strictEqual(first.startsWith("3:"), true);

    // Another life has what was read; what it would have to read, it may not.
    const later = new Digests(`${folder}/memory`);
    const over = AbortSignal.abort(new Error("no time"));
    strictEqual(await later.of(a, over), first);
    await Deno.writeTextFile(a, "two");
    await Deno.utime(a, new Date(1000), new Date(1000));
    await rejects(later.of(a, over), /no time/);
    notStrictEqual(await later.of(a, never), first);

    await Deno.writeTextFile(`${folder}/memory`, "broken");
    strictEqual(await new Digests(`${folder}/memory`).of(b, never), first);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
