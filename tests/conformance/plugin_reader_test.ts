/**
 * What a plugin says of itself when it is read, and what is said of one that
 * cannot be.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { isUsherError, UsherError } from "../../src/error/mod.ts";
import { PluginReader, type ToRead } from "../../src/plugin/files/read.ts";
import type { PluginLine } from "../../src/plugin/runner.ts";
import { PluginLimits } from "../../src/schema/plugin.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { PluginFolder, pluginText } from "../support/plugin_folder.ts";

/** Reads what was written as plugin `one`. */
async function toRead(folder: PluginFolder, base = "one.ts"): Promise<ToRead> {
  return {
    name: "one",
    snapshot: await folder.snapshot(base),
    registrations: [
      { event: "start", order: null, options: { limit: 1 } },
      { event: "pause", order: 2, options: { limit: "x", lmit: 2 } },
    ],
    limits: PluginLimits.parse({ start: "5s" }),
  };
}

Deno.test("PluginReader tells what a plugin is, and what is wrong with its options", async () => {
  await using folder = await PluginFolder.make();
  await folder.write({
    "one.ts": pluginText("one", "start() {}, pause() {}", {
      manifest: 'ctx: ["vms"], permissions: { net: ["a:1"] }',
      options: "options: z.strictObject({ limit: z.number() }),",
    }),
  });
  const lines: PluginLine[] = [];
  await using reader = new PluginReader({
    clock: systemClock,
    heard: (line) => lines.push(line),
  });
  const reading = await reader.read(await toRead(folder));
  deepStrictEqual(reading.manifest.ctx, ["vms"]);
  deepStrictEqual(reading.manifest.permissions, { net: ["a:1"] });
  deepStrictEqual(reading.handles, ["start", "pause"]);
  deepStrictEqual(reading.registrations[0]?.issues, []);
  deepStrictEqual(
    reading.registrations[1]?.issues.map(({ path, unknown, known }) => ({
      path,
      unknown,
      known,
    })),
    [
      { path: ["limit"], unknown: [], known: [] },
      { path: [], unknown: ["lmit"], known: ["limit"] },
    ],
  );
  strictEqual(
    (reading.schema as { properties: { limit: { type: string } } }).properties
      .limit.type,
    "number",
  );
  deepStrictEqual(lines, []);
});

/** What is wrong, the files, and what is said of it. */
const MISTAKES: readonly (readonly [
  string,
  Readonly<Record<string, string>>,
  RegExp,
  RegExp?,
])[] = [
  [
    "a file that is not there",
    { "one.ts": 'import "./two.ts";\n' + pluginText("one", "") },
    /one\.ts:1:8\): Module not found "two\.ts"/,
    /not in its folder/,
  ],
  [
    "a package",
    { "one.ts": 'import x from "left-pad";\nx;\n' + pluginText("one", "") },
    /left-pad/,
    /deno bundle/,
  ],
  [
    "types imported as values",
    {
      "one.ts": pluginText("one", "").replace("import type", "import"),
    },
    /api\.ts/,
    /import type/,
  ],
  [
    "a file of the net",
    {
      "one.ts": 'import "https://example.com/x.js";\n' + pluginText("one", ""),
    },
    /example\.com/,
    /its own files/,
  ],
  [
    "another plugin's file",
    {
      "one/plugin.ts": 'import "../two.ts";\n' + pluginText("one", ""),
      "two.ts": "export {};",
    },
    /Requires read access to ".*\/site\/two\.ts"$/,
    /outside of its own folder/,
  ],
  [
    "files that import each other",
    {
      "one/plugin.ts": 'import { b } from "./b.ts";\nexport const a = b;\n' +
        pluginText("one", ""),
      "one/b.ts": 'import { a } from "./plugin.ts";\nexport const b = a;\n',
    },
    /one\/b\.ts:2:\d+\): ReferenceError: Cannot access 'a' before initialization|one\/b\.ts.*before initialization/,
    /import each other in a circle/,
  ],
  [
    "an error while it loads",
    { "one.ts": pluginText("one", "") + "\nnull!.x;\n" },
    /one\.ts:\d+:\d+\): TypeError: Cannot read properties of null/,
  ],
  [
    "a file that reads what it may not",
    {
      "one.ts": 'Deno.readTextFileSync("/etc/hostname");\n' +
        pluginText("one", ""),
    },
    /one\.ts:1:\d+\)/,
  ],
  [
    "a start that never ends",
    { "one.ts": pluginText("one", "") + "\nfor (;;);\n" },
    /it has not loaded within 300 ms/,
  ],
  [
    "a default function that never ends",
    {
      "one.ts": pluginText("one", "").replace(
        "definePlugin({",
        "(() => { for (;;); })() ?? definePlugin({",
      ),
    },
    /it has not loaded within 300 ms/,
  ],
  [
    "memory without end at the top of its module",
    {
      "one.ts": pluginText("one", "") +
        "\nconst held = [];\nfor (;;) held.push(new Uint8Array(2 ** 22).fill(1));\n",
    },
    /its process has \d+ MiB of memory, and 200 MiB is its limit$/,
  ],
];

Deno.test("PluginReader says what is wrong with a plugin, and where", async (t) => {
  await using reader = new PluginReader({ clock: systemClock, heard() {} });
  for (const [what, files, message, hint] of MISTAKES) {
    await t.step(what, async () => {
      await using folder = await PluginFolder.make();
      await folder.write(files);
      const base = "one.ts" in files ? "one.ts" : "one";
      const start = what.includes("never") ? "300ms" : "10s";
      const plugin = {
        ...await toRead(folder, base),
        limits: PluginLimits.parse({ start, memory: "200MiB" }),
      };
      const error = await reader.read(plugin).catch((error) => error);
      ok(isUsherError(error, "invalid_input"), String(error));
      const { message: said, details } = error as UsherError;
      ok(message.test(said), said);
      ok(said.startsWith(`Plugin "one" (${folder.plugins}/`), said);
      if (hint !== undefined) {
        ok(hint.test(details.hint ?? ""), `${said}: ${details.hint}`);
      }
      ok(!said.includes(folder.store), said);
    });
  }
});
