/**
 * The files of a new plugin, as `usher plugin init` writes them: `{{name}}` stands
 * for its name.
 *
 * They are files of their own, so that they can be read and checked as what
 * they are, and travel inside the executable.
 *
 * @module
 */
import checks from "./template/checks.yaml.txt" with { type: "text" };
import config from "./template/deno.json.txt" with { type: "text" };
import plugin from "./template/plugin.ts.txt" with { type: "text" };
import readme from "./template/README.md.txt" with { type: "text" };
import types from "./template/usher_plugin.d.ts.txt" with { type: "text" };

/** Each file's text, by its name. */
export const TEMPLATE: Readonly<Record<string, string>> = {
  "plugin.ts": plugin,
  "checks.yaml": checks,
  "README.md": readme,
  "deno.json": config,
  "usher_plugin.d.ts": types,
};
