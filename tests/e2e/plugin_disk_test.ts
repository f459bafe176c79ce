/**
 * A plugin from disk in the compiled executable: TypeScript in several files,
 * taken up when the controller starts, changed and taken up anew while it runs,
 * and still what it was when the change is a mistake.
 *
 * @module
 */
import { match, strictEqual } from "node:assert/strict";
import { EXIT } from "../../src/client/exit.ts";
import { compiledUsher } from "../support/compiled.ts";
import { PluginFolder } from "../support/plugin_folder.ts";
import { RolesSite } from "../support/roles_site.ts";

const PLUGIN =
  `import type { Manifest, Plugin, PluginTools } from "@usher/plugin";
import { tooMany, type Limit } from "./lib/limit.ts";

export const manifest: Manifest = { name: "most", version: "1.0.0", api: 1 };

export default ({ definePlugin, z }: PluginTools): Plugin =>
  definePlugin({
    options: z.strictObject({ vms: z.number().int().default(1) }),
    handlers: {
      start_request([request], ctx): void {
        const limit: Limit = { vms: ctx.options.vms };
        if (tooMany(request.vms.length, limit)) {
          ctx.refuse(\`WORD \${limit.vms} at a time\`);
        }
      },
    },
  });
`;

const LIMIT = `export interface Limit {
  readonly vms: number;
}
export function tooMany(count: number, { vms }: Limit): boolean {
  return count > vms;
}
`;

Deno.test("the executable: a plugin of several TypeScript files is run, changed, and kept when the change is a mistake", async () => {
  const usher = await compiledUsher();
  await using folder = await PluginFolder.make();
  const write = (word: string, more = "") =>
    folder.write({
      "most/plugin.ts": PLUGIN.replace("WORD", word) + more,
      "most/lib/limit.ts": LIMIT,
    });
  await write("Only");
  await using site = await RolesSite.start(
    usher,
    "sim",
    `
plugin_dirs: [${folder.plugins}]
plugins:
  most:
    events: [start_request]
    options: { vms: 2 }
`,
  );
  const refused = async (word: string) => {
    const { code, err } = await site.run(["vm", "start", "-n", "3", "web"]);
    strictEqual(code, EXIT.denied);
    match(err, new RegExp(`Plugin "most" refuses\n.*${word} 2 at a time`));
  };

  await refused("Only");
  await site.usher("vm", "start", "-n", "2", "web");

  await write("Just");
  await site.usher("plugin", "reload");
  await refused("Just");

  await write("Wrong", "enum Kind { A }\n");
  const { code, err } = await site.run(["plugin", "reload"]);
  strictEqual(code, EXIT.usage);
  match(err, /most\/plugin\.ts:18:1: TypeScript enum is not supported/);
  await refused("Just");
});
