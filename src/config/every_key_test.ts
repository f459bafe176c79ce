/**
 * A mistake at any place of any configuration is named where it stands.
 *
 * @module
 */
import { ok, strictEqual } from "node:assert/strict";
import { stringify } from "yaml";
import { CliConfig, CtrlConfig, LnmConfig } from "../schema/config.ts";
import { UshConfig } from "../schema/ush_config.ts";
import { type Key, keysOf } from "../schema/setting.ts";
import { mistakesIn } from "./yaml_file.ts";

const SCHEMAS = {
  ctrl: CtrlConfig,
  lnm: LnmConfig,
  cli: CliConfig,
  ush: UshConfig,
};

/** Nothing takes this in the place of its value. */
const WRONG = [[["wrong"]]];

/** A file with `value` at the place of `key`, and the line of that key. */
function fileWith({ path: keys }: Pick<Key, "path">, value: unknown) {
  const path = keys.map((part) => part === "NAME" ? "some" : part);
  const whole = path.reduceRight<unknown>(
    (within, part) =>
      part === "[]"
        ? [{ event: "register", ...within as Record<string, unknown> }]
        : { [part]: within },
    value,
  );
  const text = `# a comment\n${stringify(whole)}`;
  const own = text.split("\n").findLastIndex((line) =>
    line.trim().replace(/^- /, "").startsWith(`${path.at(-1)}:`)
  );
  return {
    text,
    name: path.map((part) => part === "[]" ? "0" : part).join("."),
    line: own + 1,
  };
}

for (const [name, schema] of Object.entries(SCHEMAS)) {
  const keys = keysOf(schema);

  Deno.test(`${name}.yaml: a wrong value is named by line and key, at every level`, () => {
    for (const key of keys) {
      const { text, name: expected, line } = fileWith(key, WRONG);
      const [first] = mistakesIn(`${name}.yaml`, text, schema, {
        isPart: true,
      });
      ok(first !== undefined, `${expected} takes ${JSON.stringify(WRONG)}`);
      ok(
        first.key === expected || first.key.startsWith(`${expected}.`),
        `${expected}: ${JSON.stringify(first)}`,
      );
      // What is wrong may be the first item, on a line of its own.
      const at = first.key === expected ? line : line + 1;
      strictEqual(first.at.split(":")[1], String(at), text);
    }
  });

  Deno.test(`${name}.yaml: an unknown key is named with the nearest, at every level`, () => {
    for (const key of keys) {
      const own = key.path.at(-1) ?? "";
      if (own === "event" || own.length < 4) continue;
      // What a person chooses, or a plugin or a driver checks, is no key of ours.
      if (key.path.includes("sim")) continue;
      const misspelt = { path: [...key.path.slice(0, -1), `${own}x`] };
      const { text, name: expected, line } = fileWith(misspelt, 1);
      const found = mistakesIn(`${name}.yaml`, text, schema, { isPart: true })
        .find(({ text }) => text === `unknown key "${expected}"`);
      ok(found !== undefined, `${expected} is known`);
      strictEqual(found.hint, `did you mean "${own}"?`, expected);
      strictEqual(found.at.split(":")[1], String(line), text);
    }
  });
}
