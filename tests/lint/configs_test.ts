/**
 * The commented defaults in configs/ are what the schemas default to.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import { readYaml } from "../../src/config/yaml_file.ts";
import { CliConfig, CtrlConfig, LnmConfig } from "../../src/schema/config.ts";

const FILES = { ctrl: CtrlConfig, lnm: LnmConfig, cli: CliConfig };

for (const [name, schema] of Object.entries(FILES)) {
  Deno.test(`configs/${name}.yaml says what the defaults are`, async () => {
    const path = new URL(`../../configs/${name}.yaml`, import.meta.url);
    const read = readYaml<unknown>(
      `configs/${name}.yaml`,
      await Deno.readTextFile(path),
      schema,
    );
    deepStrictEqual(read, schema.parse({}));
  });
}
