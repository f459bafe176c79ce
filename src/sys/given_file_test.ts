import { rejects, strictEqual } from "node:assert/strict";
import { readGiven, readGivenOrNull } from "./given_file.ts";

Deno.test("readGiven() says what is wrong with a file, without a system's words", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/a`, "text");
  strictEqual(await readGiven(`${folder}/a`), "text");
  strictEqual(await readGivenOrNull(`${folder}/b`), null);
  const cases: [string, RegExp][] = [
    ["b", /Cannot read .*\/b: there is no such file$/],
    ["", /Cannot read .*: it is a folder, not a file$/],
    ["a/c", /Cannot read .*: a part of its path is no folder$/],
  ];
  for (const [name, message] of cases) {
    await rejects(readGiven(`${folder}/${name}`), {
      code: "invalid_input",
      message,
    });
  }
  await Deno.remove(folder, { recursive: true });
});
