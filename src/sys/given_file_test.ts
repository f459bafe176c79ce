import { rejects, strictEqual } from "node:assert/strict";
import { readGiven, readGivenOrNull, readPlainOrNull } from "./given_file.ts";

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

Deno.test("readPlainOrNull() refuses at once what is read only once, or has no end", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/a`, "text");
  await Deno.symlink("a", `${folder}/link`);
  strictEqual(await readPlainOrNull(`${folder}/link`), "text");
  strictEqual(await readPlainOrNull(`${folder}/b`), null);
  strictEqual(await readPlainOrNull("/dev/null"), "");
  // Nobody ever writes into it.
  await new Deno.Command("mkfifo", { args: [`${folder}/pipe`] }).output();
  using _listener = Deno.listen({
    transport: "unix",
    path: `${folder}/socket`,
  });
  const cases: [string, RegExp][] = [
    [`${folder}/pipe`, /Cannot read .*\/pipe: it is a pipe, not a file$/],
    [`${folder}/socket`, /Cannot read .*: it is a socket, not a file$/],
    ["/dev/zero", /Cannot read \/dev\/zero: it is a device, not a file$/],
    [folder, /Cannot read .*: it is a folder, not a file$/],
  ];
  for (const [path, message] of cases) {
    await rejects(readPlainOrNull(path), { code: "invalid_input", message });
  }
  await Deno.remove(folder, { recursive: true });
});
