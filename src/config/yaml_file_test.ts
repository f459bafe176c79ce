import {
  deepStrictEqual,
  match,
  strictEqual,
  throws,
} from "node:assert/strict";
import { isUsherError, type UsherError } from "../error/mod.ts";
import { CtrlConfig, LnmConfig } from "../schema/config.ts";
import { readYaml } from "./yaml_file.ts";

function mistake(text: string): UsherError {
  try {
    readYaml("ctrl.yaml", text, CtrlConfig);
  } catch (error) {
    if (isUsherError(error)) return error;
    throw error;
  }
  throw new Error("was read");
}

Deno.test("readYaml() reads what is right and completes it", () => {
  const config = readYaml(
    "lnm.yaml",
    "capacity: { memory: 4GiB }\n",
    LnmConfig,
  );
  deepStrictEqual(config.capacity, { memory: 4096 });
});

Deno.test("readYaml() names file, line and column of a syntax error", () => {
  const { message } = mistake("listen:\n  clients: [\n");
  strictEqual(/^ctrl\.yaml:\d+:\d+: /.test(message), true, message);
});

Deno.test("readYaml() names the nearest known key", () => {
  const error = mistake("state_dir: /x\nlisten:\n  client: 0.0.0.0:1\n");
  strictEqual(error.message, 'ctrl.yaml:3:3: unknown key "listen.client"');
  strictEqual(error.details.hint, 'did you mean "clients"?');
});

Deno.test("readYaml() names line and key of a wrong value", () => {
  const error = mistake("defaults:\n  memory: 4GB5\n");
  strictEqual(
    error.message.startsWith(
      'ctrl.yaml:2:3: defaults.memory: "4GB5" is no size',
    ),
    true,
    error.message,
  );
});

Deno.test("readYaml() wants keys, and aliases that lead somewhere", () => {
  match(mistake("hello").message, /^ctrl\.yaml:1:1: the file must hold keys/);
  const { message } = mistake("state_dir: &a /x\nname_suffix: *b\n");
  strictEqual(
    message,
    'ctrl.yaml:2:14: unresolved alias "*b": no anchor "&b" stands before it',
  );
});

Deno.test("readYaml() refuses a key that stands twice", () => {
  throws(
    () => readYaml("x.yaml", "node_lease: 1s\nnode_lease: 2s\n", CtrlConfig),
    /x\.yaml:2:1/,
  );
});

Deno.test("readYaml() names what is no configuration at all", () => {
  for (const text of ["- a\n- b\n", "just text\n", "12\n"]) {
    strictEqual(
      mistake(text).message,
      'ctrl.yaml:1:1: the file must hold keys with values, such as "log: {level: info}"',
    );
  }
  const bomb = `a: &a [x, x]\n${
    Array.from({ length: 30 }, (_, i) => {
      const [name, of] = [
        "abcdefghijklmnopqrstuvwxyzABCDEF"[i + 1],
        "abcdefghijklmnopqrstuvwxyzABCDEF"[i],
      ];
      return `${name}: &${name} [*${of}, *${of}, *${of}]`;
    }).join("\n")
  }\n`;
  strictEqual(mistake(bomb).code, "invalid_input");
});

Deno.test("readYaml() names ports, names, leases and memory that cannot be", () => {
  const cases: [string, RegExp][] = [
    [
      "listen:\n  nodes: 0.0.0.0:99999\n",
      /:2:3: listen\.nodes: has a port above 65535/,
    ],
    [
      "names:\n  - ok.example\n  - bad name!\n",
      /:3:5: names\.1: must be a DNS name or an address/,
    ],
    ["node_lease: 10ms\n", /:1:1: node_lease: must be 1s at least/],
    ["node_lease: 30d\n", /:1:1: node_lease: must be 7d at most/],
    [
      "defaults:\n  memory: 1MiB\n",
      /:2:3: defaults\.memory: must be 16 MiB at least/,
    ],
    ["session_ttl: 99999d\n", /:1:1: session_ttl: must be 3650d at most/],
  ];
  for (const [text, expected] of cases) match(mistake(text).message, expected);
  for (
    const name of [
      "a",
      "*.a.example",
      "10.0.0.1",
      "::1",
      "fe80::1",
      "A.example.",
    ]
  ) {
    CtrlConfig.parse({ names: [name] });
  }
});

Deno.test("readYaml() names keys of plugins that are not known, with the nearest", () => {
  const cases: [string, string, string][] = [
    [
      "plugins:\n  dns:\n    evnts: [register]\n",
      'ctrl.yaml:3:5: unknown key "plugins.dns.evnts"',
      'did you mean "events"?',
    ],
    [
      "plugins:\n  dns:\n    grants:\n      nets: [a]\n",
      'ctrl.yaml:4:7: unknown key "plugins.dns.grants.nets"',
      'did you mean "net"?',
    ],
    [
      "plugins:\n  dns:\n    events:\n      - event: periodic\n        perod: 5m\n",
      'ctrl.yaml:5:9: unknown key "plugins.dns.events.0.perod"',
      'did you mean "period"?',
    ],
  ];
  for (const [text, message, hint] of cases) {
    const error = mistake(text);
    deepStrictEqual([error.message, error.details.hint], [message, hint]);
  }
});
