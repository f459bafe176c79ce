/**
 * YAML output, apart so that only who asks for it loads the package. (Bundled,
 * the package is CommonJS, whose names a dynamic import would not show.)
 *
 * @module
 */
import { stringify } from "yaml";

/** `value` as YAML, every part of it written out. */
export function toYaml(value: unknown): string {
  return stringify(value, { aliasDuplicateObjects: false });
}
