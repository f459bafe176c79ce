/**
 * Options of a plugin from a file of their own, as they would stand under
 * `options` in ctrl.yaml.
 *
 * @module
 */
import { z } from "zod";
import { readYaml } from "../config/yaml_file.ts";
import { UsherError } from "../error/mod.ts";
import { readGivenOrNull } from "../sys/given_file.ts";

/** Reads options. Throws `invalid_input` with file, line and column. */
export async function readOptionsFile(
  path: string,
): Promise<Record<string, unknown>> {
  const text = await readGivenOrNull(path);
  if (text !== null) {
    return readYaml(path, text, z.record(z.string(), z.unknown()));
  }
  throw new UsherError("invalid_input", `There is no file "${path}"`, {
    hint: "--options names a YAML file with what stands under options",
  });
}
