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
  match(mistake("hello").message, /^ctrl\.yaml:1:1: Invalid input: expected/);
  const { message } = mistake("state_dir: &a /x\nname_suffix: *b\n");
  match(message, /^ctrl\.yaml: unresolved alias .*: b$/);
});

Deno.test("readYaml() refuses a key that stands twice", () => {
  throws(
    () => readYaml("x.yaml", "node_lease: 1s\nnode_lease: 2s\n", CtrlConfig),
    /x\.yaml:2:1/,
  );
});
