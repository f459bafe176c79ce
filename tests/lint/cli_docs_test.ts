/**
 * The reference of the command line is the commands' own, and names each with
 * an example.
 */
import { ok, strictEqual } from "node:assert/strict";
import { allCommands, CLI_PAGE, cliPage } from "../../scripts/cli_docs.ts";
import { meaningOf } from "../support/command_meaning.ts";
import { readRepository } from "../support/repository.ts";

Deno.test("docs/cli.md is what scripts/cli_docs.ts makes", async () => {
  const page = await cliPage();
  strictEqual(
    await readRepository(CLI_PAGE),
    page,
    "run scripts/deno run -A scripts/cli_docs.ts",
  );
  for (const { name } of allCommands()) {
    ok(page.includes(`### usher ${name}\n`), name);
  }
});

Deno.test("the help of every command has examples, and they are of that command", async () => {
  for (const { name, entry } of allCommands()) {
    const { examples } = await entry.load();
    ok(examples.length > 0, `usher ${name} --help has no example`);
    const meant = await Promise.all(
      examples.map(([line]) => meaningOf(line).then((it) => it.name)),
    );
    ok(
      meant.some((it) => it === name || it.startsWith(`${name} `)),
      `usher ${name} --help shows ${meant} alone`,
    );
    for (const [line, does] of examples) {
      ok(does.trim() !== "" && !does.endsWith("."), `${line}: "${does}"`);
    }
  }
});
