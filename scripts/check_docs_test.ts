import { deepStrictEqual } from "node:assert/strict";
import {
  deadPaths,
  type Documentation,
  lengthProblems,
  shortAgain,
  undocumented,
  unrunCommands,
} from "./check_docs.ts";

const FILE = "file:///repo/src/core/a.ts";

function symbol(
  name: string,
  ...declarations: [kind: string, doc?: string, filename?: string][]
): Documentation {
  const symbols = [{
    name,
    declarations: declarations.map(([kind, doc, filename = FILE]) => ({
      kind,
      declarationKind: "export",
      location: { filename, line: 7 },
      ...(doc === undefined ? {} : { jsDoc: { doc } }),
    })),
  }];
  return { nodes: { [FILE]: { symbols } } };
}

Deno.test("undocumented() names what has no sentence, and where", () => {
  deepStrictEqual(undocumented(symbol("place", ["function"])), [
    `${FILE}:7: place has no doc sentence`,
  ]);
});

Deno.test("undocumented() is content with a sentence", () => {
  deepStrictEqual(undocumented(symbol("place", ["function", "Why."])), []);
});

Deno.test("undocumented() takes a schema's sentence for its type", () => {
  const pair = symbol("Vm", ["variable", "What it is."], ["typeAlias"]);
  deepStrictEqual(undocumented(pair), []);
});

Deno.test("undocumented() leaves constants and re-exports alone", () => {
  deepStrictEqual(undocumented(symbol("LIMIT", ["variable"])), []);
  const elsewhere = symbol("Vm", ["class", "", "file:///repo/b.ts"]);
  deepStrictEqual(undocumented(elsewhere), []);
});

Deno.test("deadPaths() names each path that is not there, once", () => {
  const text =
    "`src/a.ts`, `src/gone.ts`, `src/gone.ts` and `src/driver/NAME/`, " +
    "`deno task ok`, `main.ts`, `docs/*`";
  deepStrictEqual(deadPaths(text, (path) => path === "src/a.ts"), [
    "src/gone.ts",
    "main.ts",
    "docs/*",
  ]);
});

Deno.test("lengthProblems() refuses a long file, and lets a tolerated one grow no further", () => {
  const long = "tests/long_test.ts";
  const problems = (lines: number, tolerated: Record<string, number> = {}) =>
    lengthProblems(new Map([[long, lines]]), tolerated).map((line) =>
      line.split(":")[0]
    );
  deepStrictEqual(problems(350), []);
  deepStrictEqual(problems(351), [`${long} has 351 lines, more than 350`]);
  deepStrictEqual(problems(400, { [long]: 400 }), []);
  deepStrictEqual(problems(401, { [long]: 400 }), [
    `${long} has 401 lines, more than 400`,
  ]);
});

Deno.test("shortAgain() names what is tolerated for no reason any more", () => {
  const lengths = new Map([["a_test.ts", 351], ["b_test.ts", 350]]);
  const tolerated = { "a_test.ts": 400, "b_test.ts": 400, "gone_test.ts": 400 };
  deepStrictEqual(
    shortAgain(lengths, tolerated).map((line) => line.split(" ")[0]),
    ["b_test.ts", "gone_test.ts"],
  );
});

Deno.test("unrunCommands() wants a reason for what no test runs", () => {
  const block = (...lines: string[]) => ["```", ...lines, "```"].join("\n");
  const none = [
    block("usher vm list", "sudo usher lnm --join TOKEN", "# a comment"),
    block("$ usher vm list", "NAME  STATE"),
    "<!-- not run: needs root -->\n" + block("sudo apt-get update"),
    block("sudo journalctl --unit usher-ctrl"),
    "```yaml\na: 1\n```",
  ];
  for (const text of none) deepStrictEqual(unrunCommands("a.md", text), []);
  const shell = "```sh\ncurl x\n```";
  deepStrictEqual(unrunCommands("docs/clients.md", shell), []);
  deepStrictEqual(unrunCommands("a.md", `text\n${shell}\n${block("ls")}`), [
    'a.md:2: no test runs "curl x"; say why above its block: <!-- not run: why -->',
    'a.md:5: no test runs "ls"; say why above its block: <!-- not run: why -->',
  ]);
  deepStrictEqual(
    unrunCommands("a.md", `<!-- not run: -->\n${block("ls")}`).length,
    1,
  );
  deepStrictEqual(unrunCommands("a.md", "text\n```\nusher vm list"), [
    "a.md:2: this block is not closed",
  ]);
});
