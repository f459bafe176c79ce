/**
 * `deno task compile`: what lies in dist/ is whole and goes with its digest,
 * whatever ran beside it or was cut short before it.
 */
import { match, strictEqual } from "node:assert/strict";
import { compiledUsher } from "../support/compiled.ts";
import { REPOSITORY } from "../support/repository.ts";

const DIST = `${REPOSITORY}dist`;

async function compile(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "scripts/compile.ts", ...args],
    cwd: REPOSITORY,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, said: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** What `sha256sum --check` says of dist/. */
async function checkSums(): Promise<string> {
  const { stdout } = await new Deno.Command("sha256sum", {
    args: ["--check", "SHA256SUMS"],
    cwd: DIST,
    stdin: "null",
  }).output();
  return new TextDecoder().decode(stdout);
}

Deno.test("compile: the executable goes with its digest", async () => {
  await compiledUsher();
  strictEqual(await checkSums(), "usher: OK\n");
});

Deno.test("compile: a second one does nothing, and two at once neither", async () => {
  await compiledUsher();
  const runs = await Promise.all([compile(), compile()]);
  for (const { code, said } of runs) {
    strictEqual(code, 0, said);
    strictEqual(said, "dist/usher is up to date\n");
  }
});

Deno.test("compile: a damaged executable is made anew, the same to the byte", async () => {
  const usher = await compiledUsher();
  const sums = await Deno.readTextFile(`${DIST}/SHA256SUMS`);
  await Deno.truncate(usher, 1_000_000);
  const { code, said } = await compile();
  strictEqual(code, 0, said);
  match(said, /^dist\/usher: .* MB/m);
  strictEqual(await Deno.readTextFile(`${DIST}/SHA256SUMS`), sums);
  strictEqual(await checkSums(), "usher: OK\n");
});

Deno.test("compile: an argument that it does not know is named", async () => {
  const { code, said } = await compile("--fast");
  strictEqual(code, 64);
  match(said, /Unknown arguments: --fast\nusage: deno task compile/);
});
