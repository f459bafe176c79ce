import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { UsherError } from "../../error/mod.ts";
import { PluginLimits } from "../../schema/plugin.ts";
import type { PluginTools } from "../api.ts";
import type { PluginModule } from "../process/instance.ts";
import { readingOf, type ToRead } from "./read.ts";
import { loadProblem, readModule } from "./report.ts";

const MANIFEST = { name: "one", version: "1.0.0", api: 1 };
const HASH = "a".repeat(64);
const PLUGIN: ToRead = {
  name: "one",
  snapshot: {
    source: "/site/one.ts",
    hash: HASH,
    folder: `/state/plugins/${HASH}`,
    entry: "one.ts",
  },
  registrations: [],
  limits: PluginLimits.parse({}),
};

/** A module with these handlers. */
function withHandlers(handlers: unknown): PluginModule {
  return {
    manifest: MANIFEST,
    default: ({ definePlugin }: PluginTools) =>
      definePlugin({ handlers: handlers as Record<string, never> }),
  };
}

/** The module's own mistake, and what would be right. */
const MODULES: readonly (readonly [PluginModule, RegExp, RegExp?])[] = [
  [
    { manifest: MANIFEST },
    /^It has no default export$/,
    /write export default/,
  ],
  [{ default: () => 5 }, /^Its default function gives no plugin$/],
  [{ default: () => null }, /^Its default function gives no plugin$/],
  [{ default: async () => {} }, /^Its default function is async$/],
  [withHandlers({ start: 5 }), /^Its handler for "start" is no function$/],
  [
    withHandlers({ "Start-It"() {} }),
    /^"Start-It" cannot be the name of an event$/,
  ],
  [
    { default: () => ({ options: {}, handlers: {} }) },
    /^Its options are no schema$/,
    /z\.strictObject/,
  ],
];

Deno.test("readModule() says what a module lacks to be a plugin", () => {
  for (const [module, message, hint] of MODULES) {
    throws(() => readModule(module, []), (error: unknown) => {
      ok(error instanceof UsherError);
      ok(message.test(error.message), error.message);
      ok(hint === undefined || hint.test(error.details.hint ?? ""));
      return true;
    });
  }
});

Deno.test("readModule() asks the plugin anew for each registration", () => {
  const module: PluginModule = {
    default: ({ definePlugin, registration, z }: PluginTools) =>
      definePlugin({
        options: z.strictObject({ a: z.number().default(1) }),
        handlers: { [registration.event === "start" ? "start" : "other"]() {} },
      }),
  };
  deepStrictEqual(
    readModule(module, [{ event: "start", order: null, options: { a: "x" } }])
      .registrations.map(({ handles, issues }) => [handles, issues.length]),
    [[["start"], 1]],
  );
});

/** What is exported as manifest, and what is said of it. */
const MANIFESTS: readonly (readonly [unknown, RegExp])[] = [
  [null, /it exports no manifest$/],
  [{ ...MANIFEST, permissions: { net: 5 } }, /manifest\.permissions\.net: /],
  [{ ...MANIFEST, ctx: ["vm"] }, /manifest\.ctx\.0: Invalid option/],
  [{ ...MANIFEST, autor: 1 }, /manifest: Unrecognized key: "autor"/],
  [{ ...MANIFEST, name: "One" }, /manifest\.name: must begin with a letter/],
  [{ ...MANIFEST, events: { "A b": "x" } }, /manifest\.events/],
  [{ ...MANIFEST, permissions: { ffi: true } }, /manifest\.permissions: /],
  [
    { ...MANIFEST, api: 2 },
    /version 2 of the plugin API, and 1 is the newest here$/,
  ],
];

Deno.test("readingOf() names the field of a manifest that is wrong, and the file", () => {
  for (const [manifest, message] of MANIFESTS) {
    const read = { manifest, handles: [], registrations: [], schema: null };
    throws(() => readingOf(PLUGIN, { read }), (error: unknown) => {
      ok(error instanceof UsherError);
      ok(error.message.startsWith('Plugin "one" (/site/one.ts): '));
      ok(message.test(error.message), error.message);
      ok(error.details.field?.startsWith("manifest"));
      return true;
    });
  }
});

Deno.test("loadProblem() takes place, color and the runtime's advice out of a message", () => {
  const { message, place, hint } = loadProblem(
    new Error(
      `Requires read access to "/x/two.ts", run again with the --allow-read flag\n    at \u001b[0m\u001b[36mfile:///state/plugins/${HASH}/lib/a.ts\u001b[0m:\u001b[0m\u001b[33m1\u001b[0m:\u001b[0m\u001b[33m8\u001b[0m`,
    ),
  );
  strictEqual(message, 'Requires read access to "/x/two.ts"');
  strictEqual(place, "lib/a.ts:1:8");
  strictEqual(hint, "it imports what lies outside of its own folder");
});
