import { rejects, strictEqual } from "node:assert/strict";
import { readGiven, readGivenOrNull } from "./given_file.ts";

Deno.test("readGiven() says what is wrong with a file, without a system's words", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/a`, "text");
  strictEqual(await readGiven(`${folder}/a`), "text");
  strictEqual(await readGivenOrNull(`${folder}/b`), null);
  await Deno.writeFile(
    `${folder}/latin1`,
    new Uint8Array([0x61, 0x3a, 0x0a, 0xe9, 0x0a]),
  );
  await Deno.writeTextFile(`${folder}/huge`, "x".repeat(1024 * 1024 + 1));
  const isRoot = Deno.uid() === 0;
  await Deno.writeTextFile(`${folder}/closed`, "", { mode: 0o000 });
  await Deno.writeTextFile(`${folder}/marked`, "\uFEFFa: é\n");
  strictEqual(await readGiven(`${folder}/marked`), "a: é\n");
  const cases: [string, RegExp][] = [
    ["b", /Cannot read .*\/b: there is no such file$/],
    ["", /Cannot read .*: it is a folder, not a file$/],
    ["latin1", /Cannot read .*\/latin1: line 2 is not in UTF-8$/],
    ["huge", /Cannot read .*\/huge: it is larger than 1 MiB$/],
    ["closed", /Cannot read .*\/closed: its permissions do not let you$/],
    ["a/c", /Cannot read .*\/a\/c: there is no such file$/],
  ];
  for (const [name, message] of cases) {
    // Root may read all files.
    if (name === "closed" && isRoot) continue;
    await rejects(readGiven(`${folder}/${name}`), {
      code: "invalid_input",
      message,
    });
  }
  await Deno.remove(folder, { recursive: true });
});
