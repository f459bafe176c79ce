import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  boundToMachine,
  importsOf,
  unplaced,
  violations,
} from "./check_layers.ts";

/** Each allowed import, and each forbidden one with a part of its reason. */
const CASES: readonly [from: string, to: string, reason: string | null][] = [
  ["src/schema/vm.ts", "npm:/zod@4.6.7", null],
  ["src/schema/vm.ts", "src/schema/name.ts", null],
  ["src/schema/vm.ts", "npm:/hono@4.13.19", "schema may import zod"],
  ["src/schema/vm.ts", "node:fs", "touch the machine"],
  ["src/schema/vm.ts", "node:util", "schema may import zod"],
  ["src/schema/vm.ts", "src/error/mod.ts", "schema may not import error"],
  ["src/error/mod.ts", "src/schema/problem.ts", null],
  ["src/error/mod.ts", "npm:/zod@4.6.7", "no package"],
  ["src/error/mod.ts", "src/sys/log.ts", "error may not import sys"],
  ["src/core/step.ts", "src/error/mod.ts", null],
  ["src/core/step.ts", "src/schema/vm.ts", null],
  ["src/core/step.ts", "src/sys/clock.ts", "core may not import sys"],
  ["src/core/step.ts", "node:crypto", "no package"],
  ["src/sys/file.ts", "src/error/mod.ts", null],
  ["src/sys/file.ts", "node:fs", null],
  ["src/sys/file.ts", "src/schema/vm.ts", "sys may not import schema"],
  ["src/sys/file.ts", "src/core/step.ts", "sys may not import core"],
  ["src/config/load.ts", "src/schema/config.ts", null],
  ["src/config/load.ts", "npm:/yaml@2.9.1", null],
  ["src/config/load.ts", "npm:/hono@4.13.19", "config may import yaml"],
  ["src/ctrl/ctrl.ts", "src/config/load.ts", "ctrl may not import config"],
  ["src/store/key.ts", "src/sys/clock.ts", null],
  ["src/store/key.ts", "src/core/step.ts", "store may not import core"],
  ["src/store/key.ts", "src/link/ndjson.ts", "store may not import link"],
  ["src/link/session.ts", "src/schema/frame.ts", null],
  ["src/link/session.ts", "src/store/store.ts", "link may not import store"],
  ["src/plugin/host.ts", "src/sys/process.ts", null],
  ["src/plugin/host.ts", "src/store/store.ts", "plugin may not import store"],
  ["src/driver/qemu/mod.ts", "src/driver/driver.ts", null],
  ["src/driver/xen/migration/mod.ts", "src/driver/carried/task.ts", null],
  ["src/driver/carried/task.ts", "src/driver/driver.ts", null],
  ["src/driver/carried/task.ts", "src/driver/xen/xl.ts", "knows no driver"],
  ["src/driver/qemu/mod.ts", "src/driver/qemu/qmp/client.ts", null],
  ["src/driver/qemu/mod.ts", "src/core/step.ts", null],
  ["src/driver/qemu/mod.ts", "src/core/reconcile.ts", "may not import core"],
  ["src/driver/qemu/mod.ts", "src/driver/sim/mod.ts", "driver sim"],
  ["src/driver/qemu/mod.ts", "src/driver/guard/guarding.ts", null],
  ["src/driver/guard/guarding.ts", "src/driver/qemu/mod.ts", "knows no driver"],
  ["src/driver/driver.ts", "src/driver/sim/mod.ts", "knows no driver"],
  ["src/driver/registry.ts", "src/driver/sim/mod.ts", null],
  ["src/driver/sim/mod.ts", "src/driver/registry.ts", "only lnm and dev"],
  ["src/ctrl/ctrl.ts", "src/plugin/host.ts", null],
  ["src/ctrl/ctrl.ts", "src/core/reconcile.ts", null],
  ["src/ctrl/ctrl.ts", "src/driver/driver.ts", "ctrl may not import driver"],
  ["src/ctrl/ctrl.ts", "src/driver/registry.ts", "only lnm and dev"],
  ["src/ctrl/ctrl.ts", "src/lnm/lnm.ts", "ctrl may not import lnm"],
  ["src/ctrl/ctrl.ts", "src/client/api.ts", "ctrl may not import client"],
  ["src/lnm/lnm.ts", "src/driver/registry.ts", null],
  ["src/lnm/lnm.ts", "src/driver/driver.ts", null],
  ["src/lnm/lnm.ts", "src/ctrl/ctrl.ts", "lnm may not import ctrl"],
  ["src/client/api.ts", "src/link/ndjson.ts", null],
  ["src/client/api.ts", "src/core/step.ts", "client may not import core"],
  ["src/client/api.ts", "src/store/store.ts", "client may not import store"],
  ["src/client/api.ts", "src/ctrl/ctrl.ts", "client may not import ctrl"],
  ["src/client/api.ts", "src/version.ts", null],
  ["src/version.ts", "src/schema/vm.ts", "imports nothing"],
  ["src/version.ts", "npm:zod@4.6.7", "imports nothing"],
  ["src/client/api.ts", "src/dev.ts", "only main.ts"],
  ["src/client/api.ts", "main.ts", "nothing imports it"],
  ["src/dev.ts", "src/ctrl/ctrl.ts", null],
  ["main.ts", "src/roles.ts", null],
  ["src/roles.ts", "src/dev.ts", null],
  ["src/roles.ts", "src/driver/registry.ts", null],
  ["src/ctrl/ctrl.ts", "src/roles.ts", "only main.ts"],
  ["main.ts", "src/dev.ts", null],
  ["src/roles.ts", "src/simulator/sim.ts", null],
  ["src/simulator/world.ts", "src/ctrl/engine.ts", null],
  ["src/simulator/machine.ts", "src/driver/sim/mod.ts", null],
  ["src/simulator/machine.ts", "src/driver/qemu/mod.ts", "knows driver qemu"],
  ["src/ctrl/ctrl.ts", "src/simulator/sim.ts", "only the role table"],
  ["src/dev.ts", "src/simulator/sim.ts", "only the role table"],
  ["main.ts", "src/simulator/sim.ts", "only the role table"],
  ["main.ts", "src/client/commands/mod.ts", null],
  ["src/helpers/x.ts", "src/schema/vm.ts", "not in the import table"],
  ["src/core/step.ts", "scripts/house.ts", "from src/ alone"],
  ["main.ts", "scripts/house.ts", "from src/ alone"],
  ["src/core/step.ts", "plugins/sample.ts", "from src/ alone"],
  ["src/core/step.ts", "deno.json", "from src/ alone"],
  ["scripts/bench.ts", "src/version.ts", null],
  ["scripts/bench.ts", "src/driver/sim/mod.ts", null],
  ["src/lnm/lnm.ts", "src/driver/sim/mod.ts", "only src/driver/registry.ts"],
  ["src/dev.ts", "src/driver/sim/mod.ts", "only src/driver/registry.ts"],
  ["src/dev.ts", "jsr:@std/path", "from npm alone"],
  ["src/sys/file.ts", "https://example.org/x.ts", "from npm alone"],
  ["src/sys/file.ts", "data:text/javascript,1", "from npm alone"],
  ["src/ctrl/ctrl.ts", "node:fs/promises", "touch the machine"],
  ["src/roles.ts", "node:child_process", "touch the machine"],
  ["src/ctrl/ctrl.ts", "node:crypto", null],
  ["src/store/kv_store.ts", "node:fs", null],
  ["src/core/step.ts", "src/core/step_test.ts", "never imports tests"],
  ["src/core/step.ts", "tests/support/make.ts", "never imports tests"],
  ["src/core/step_test.ts", "src/sys/clock.ts", null],
  ["tests/integration/vm_test.ts", "src/dev.ts", null],
];

for (const [from, to, reason] of CASES) {
  const verdict = reason === null ? "is allowed" : "is refused";
  Deno.test(`violations() ${from} to ${to} ${verdict}`, () => {
    const found = violations([{ from, to }]);
    strictEqual(found.length, reason === null ? 0 : 1, found.join());
    if (reason !== null) {
      strictEqual(found[0]?.includes(reason), true, found[0]);
    }
  });
}

Deno.test("importsOf() reads type-only imports and packages", () => {
  const file = (path: string) => `file:///repo/${path}`;
  const graph = {
    modules: [
      {
        specifier: file("src/core/step.ts"),
        dependencies: [
          {
            specifier: "../schema/vm.ts",
            type: { specifier: file("src/schema/vm.ts") },
          },
          { specifier: "zod", code: { specifier: "npm:zod@4.6.7" } },
        ],
      },
      { specifier: "file:///elsewhere/x.ts" },
    ],
  };
  deepStrictEqual(importsOf(graph, "/repo/"), [
    { from: "src/core/step.ts", to: "src/schema/vm.ts" },
    { from: "src/core/step.ts", to: "npm:zod@4.6.7" },
  ]);
});

Deno.test("importsOf() reads both halves of an import that has a type of its own", () => {
  const graph = {
    modules: [{
      specifier: "file:///repo/src/core/step.ts",
      dependencies: [{
        specifier: "../schema/vm.js",
        code: { specifier: "file:///repo/src/schema/vm.js" },
        type: { specifier: "file:///repo/src/sys/vm.d.ts" },
      }],
    }],
  };
  deepStrictEqual(importsOf(graph, "/repo/").map(({ to }) => to), [
    "src/schema/vm.js",
    "src/sys/vm.d.ts",
  ]);
});

Deno.test("unplaced() finds a new folder, and a file beside the folders", () => {
  deepStrictEqual(
    unplaced(["src/core/a.ts", "src/dev.ts", "src/new/a.ts", "src/b.ts"]),
    [
      "src/new/a.ts is in no layer of the import table",
      "src/b.ts is in no layer of the import table",
    ],
  );
});

Deno.test("boundToMachine() follows the client library to files that name Deno", () => {
  const texts: Record<string, string> = {
    "src/client/mod.ts": "// Deno.serve is not for us\n",
    "src/client/deno.ts": "Deno.exit()",
    "src/sys/file.ts": "/** Files. */\nDeno.readFile()",
    "src/sys/id.ts": "export {}",
  };
  const textOf = (file: string) => texts[file] ?? "";
  const imports = [
    { from: "src/client/mod.ts", to: "src/client/deno.ts" },
    { from: "src/client/mod.ts", to: "src/sys/id.ts" },
    { from: "src/client/deno.ts", to: "src/sys/file.ts" },
  ];
  deepStrictEqual(boundToMachine(imports, textOf), []);
  const more = [
    { from: "src/sys/id.ts", to: "src/sys/file.ts" },
    { from: "src/sys/id.ts", to: "node:crypto" },
  ];
  deepStrictEqual(boundToMachine([...imports, ...more], textOf), [
    "src/sys/file.ts, which src/sys/id.ts imports, names Deno: the client library runs anywhere",
    "src/sys/id.ts imports node:crypto: the client library runs anywhere",
  ]);
});
