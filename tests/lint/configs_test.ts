/**
 * The default files and the reference of the configuration are what the
 * schemas say, of every key.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { parse } from "yaml";
import {
  CONFIG_PAGE,
  configFile,
  configPage,
  ROLES,
} from "../../scripts/config_docs.ts";
import { readYaml } from "../../src/config/yaml_file.ts";
import { type Key, keysOf } from "../../src/schema/setting.ts";
import { readRepository } from "../support/repository.ts";

const MAKE = "run scripts/deno run -A scripts/config_docs.ts";
const NAMES = Object.keys(ROLES) as (keyof typeof ROLES)[];

for (const name of NAMES) {
  const { schema } = ROLES[name];

  Deno.test(`configs/${name}.yaml is made from the schema, and says what the defaults are`, async () => {
    const text = await readRepository(`configs/${name}.yaml`);
    strictEqual(text, configFile(name), MAKE);
    const read = readYaml<unknown>(`configs/${name}.yaml`, text, schema);
    deepStrictEqual(read, schema.parse({}));
  });

  Deno.test(`configs/${name}.yaml holds every key of its schema, whose examples are right`, async () => {
    const text = await readRepository(`configs/${name}.yaml`);
    const keys = keysOf(schema).filter(({ path }) => !path.includes("NAME"));
    for (const { path } of keys) {
      match(text, new RegExp(`^[# ]*${path.at(-1)}:`, "m"), path.join("."));
    }
    for (const key of keysOf(schema)) {
      const example = key.setting?.example;
      if (example === undefined || key.path.includes("NAME")) continue;
      // All keys of a section that is absent belong together.
      const beside = keys.filter((one) =>
        isBeside(one, key) && one.setting?.example !== undefined
      );
      const given = Object.fromEntries(
        beside.map((one) => [one.path.at(-1), parse(one.setting!.example!)]),
      );
      const whole = key.path.slice(0, -1).reduceRight<unknown>(
        (value, part) => ({ [part]: value }),
        given,
      );
      schema.parse(whole);
    }
  });

  Deno.test(`every key of ${name}.yaml says what it does, in a sentence`, () => {
    for (const { path, setting, type, isSection } of keysOf(schema)) {
      const key = path.join(".");
      ok(setting !== null, `${key}: register it in SETTINGS`);
      match(setting.about, /^\S.*\.$/, key);
      ok(isSection || type !== "", `${key} has no type`);
      ok(!/pipe|undefined|\bobject\b/.test(type), `${key}: ${type}`);
    }
  });
}

Deno.test(`${CONFIG_PAGE} is made from the schemas`, async () => {
  strictEqual(await readRepository(CONFIG_PAGE), configPage(), MAKE);
});

function isBeside(one: Key, other: Key): boolean {
  return one.path.slice(0, -1).join() === other.path.slice(0, -1).join();
}
