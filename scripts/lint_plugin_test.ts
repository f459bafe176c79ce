import { deepStrictEqual } from "node:assert/strict";
import plugin from "./lint_plugin.ts";

const DOC = "/** What it is.\n * @module\n */\n";

/** The ids of what the rules say about `code` in the file `path`. */
function lint(path: string, code: string): string[] {
  return Deno.lint.runPlugin(plugin, path, code)
    .map(({ id }) => id.replace("usher/", ""));
}

function check(
  name: string,
  path: string,
  code: string,
  expected: readonly string[],
) {
  Deno.test(`lint: ${name}`, () => deepStrictEqual(lint(path, code), expected));
}

const read = `${DOC}export const x = Deno.readTextFile("x");\n`;
check("Deno.* in core", "src/core/a.ts", read, ["deno-in-sys"]);
check("Deno.* in ctrl", "src/ctrl/a.ts", read, ["deno-in-sys"]);
check("Deno.* in sys", "src/sys/a.ts", read, []);
check("Deno.* in the KV store", "src/store/kv_store.ts", read, []);
check("Deno.* in a unit test", "src/core/a_test.ts", read, []);
check("Deno.* in scripts", "scripts/a.ts", read, []);
check("Deno.* in main.ts", "main.ts", read, []);

for (
  const code of [
    "const { env } = Deno;",
    "globalThis.Deno.exit(1);",
    'Deno["exit"](1);',
    "const d = Deno as unknown;",
    "f({ Deno });",
  ]
) {
  check(`${code} in ctrl`, "src/ctrl/a.ts", `${DOC}${code}\n`, ["deno-in-sys"]);
}
for (
  const code of [
    "let client: Deno.HttpClient;",
    "const versions = { Deno: 1 };",
    "versions.Deno;",
  ]
) {
  check(`${code} in ctrl`, "src/ctrl/a.ts", `${DOC}${code}\n`, []);
}

const variable = `${DOC}export const x = await import(name);\n`;
check("import(name)", "src/ctrl/a.ts", variable, ["literal-import"]);
const template = `${DOC}export const x = await import(\`./\${name}.ts\`);\n`;
check("import(`…`)", "src/ctrl/a.ts", template, ["literal-import"]);
check("import(name) of a plugin", "src/plugin/guest.ts", variable, []);
const literal = `${DOC}export const x = await import("./b.ts");\n`;
check('import("./b.ts")', "src/ctrl/a.ts", literal, []);

const clock = `${DOC}export const x = Date.now();\n`;
check("Date.now in core", "src/core/a.ts", clock, ["pure"]);
check("Date.now in lnm", "src/lnm/a.ts", clock, ["given-time"]);
check("Date.now in link", "src/link/a.ts", clock, ["given-time"]);
check("Date.now where lnm meets its machine", "src/lnm/lnm.ts", clock, []);
check("Date.now in a test of lnm", "src/lnm/a_test.ts", clock, []);
for (
  const code of [
    "setTimeout(f, 1);",
    "const x = Math.random();",
    "const x = crypto.randomUUID();",
    "const x = performance.now();",
    "const x = AbortSignal.timeout(1);",
    "const x = new Date();",
    'import { newId } from "../sys/id.ts";',
    'import { systemClock } from "../sys/clock.ts";',
  ]
) {
  check(`${code} in ctrl`, "src/ctrl/a.ts", `${DOC}${code}\n`, ["given-time"]);
}
for (
  const code of [
    "let timer: ReturnType<typeof setTimeout>;",
    "const x = new Date(ms);",
    "const x = context.newId();",
    'import { idMaker } from "../sys/id.ts";',
  ]
) {
  check(`${code} in ctrl`, "src/ctrl/a.ts", `${DOC}${code}\n`, []);
}

check("Date.now in schema", "src/schema/a.ts", clock, ["pure"]);
check("Date.now in a unit test", "src/core/a_test.ts", clock, []);
for (
  const code of [
    "new Date()",
    "Math.random()",
    "crypto.randomUUID()",
    "performance.now()",
    "Temporal.Now.instant()",
    "setTimeout(f, 1)",
    "Date()",
  ]
) {
  const text = `${DOC}export const x = ${code};\n`;
  check(`${code} in core`, "src/core/a.ts", text, ["pure"]);
}
const parsed = `${DOC}export const x = new Date(5);\n`;
check("new Date(ms) in core", "src/core/a.ts", parsed, []);

const faults: readonly [code: string, expected: readonly string[]][] = [
  [`new Error("cannot start")`, ["error-message"]],
  [`new Error("Cannot start.")`, ["error-message"]],
  [`new Error("Cannot start: current state is paused")`, []],
  [`new Error("Waiting...")`, []],
  ['new Error(`cannot start "${name}"`)', ["error-message"]],
  ['new Error(`Cannot start "${name}".`)', ["error-message"]],
  ["new Error(`${name} is busy`)", []],
  [`new UsherError("busy", "cannot start")`, ["error-message"]],
  [`new UsherError("busy", "Cannot start")`, []],
  [`new TypeError("not a name")`, ["error-message"]],
  [`new Map("not an error.")`, []],
];
for (const [code, expected] of faults) {
  const text = `${DOC}throw ${code};\n`;
  check(`throw ${code}`, "src/ctrl/a.ts", text, expected);
}

const arrow = `${DOC}export const double = (n: number) => 2 * n;\n`;
check("exported arrow", "src/core/a.ts", arrow, ["top-level-function"]);
check("exported arrow in a test", "src/core/a_test.ts", arrow, []);
const plain = `${DOC}const double = (n: number) => 2 * n;\ndouble(1);\n`;
check("top-level arrow", "src/core/a.ts", plain, ["top-level-function"]);
const inner = `${DOC}export function f() {\n  return () => 1;\n}\n`;
check("arrow in a function", "src/core/a.ts", inner, []);
const table = `${DOC}export const verbs = { start: () => 1 };\n`;
check("arrow in a table", "src/core/a.ts", table, []);

const bare = "export const x = 1;\n";
check("no module doc", "src/core/a.ts", bare, ["module-doc"]);
check("no module doc in a test", "src/core/a_test.ts", bare, []);
const other = `/** One. */\n${bare}`;
check("a doc that is not the module's", "src/core/a.ts", other, ["module-doc"]);
const late = `import "zod";\n${DOC}${bare}`;
check("a module doc after code", "src/core/a.ts", late, ["module-doc"]);

for (const name of ["utils", "helper", "common", "types", "misc"]) {
  const text = `${DOC}${bare}`;
  check(name, `src/core/${name}.ts`, text, ["file-name"]);
  check(`${name}/`, `src/core/${name}/a.ts`, text, ["file-name"]);
}
check("a noun", "src/core/vm_types_table.ts", `${DOC}${bare}`, []);

/** A function of `lines` lines. */
function long(lines: number): string {
  return `function f() {\n${"  g();\n".repeat(lines - 2)}}`;
}
const screen = `${DOC}export ${long(60)}\n`;
check("a function of a screen", "src/core/a.ts", screen, []);
const tall = `${DOC}export ${long(61)}\n`;
check("a function too long", "src/core/a.ts", tall, ["function-length"]);
check("a function too long in a test", "src/core/a_test.ts", tall, []);
const method = `${DOC}export class A {\n${
  long(61).replace("function ", "")
}\n}\n`;
check("a method too long", "src/core/a.ts", method, ["function-length"]);

const any = `${DOC}export const any = AbortSignal.any([]);\n`;
check("AbortSignal.any in ctrl", "src/ctrl/a.ts", any, ["joined-signal"]);
check("AbortSignal.any in a test", "src/ctrl/a_test.ts", any, []);
