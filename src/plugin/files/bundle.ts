/**
 * Plugins that ship, run from the sources: those that use packages, or files
 * of usher's own, are made into one file, as the build does for the executable
 * (scripts/compile.ts).
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { makeTempFolder, readBytes, removeIfThere } from "../../sys/file.ts";
import type { TreeFile } from "../../sys/file_tree.ts";
import { isExecutable, ownEnvironment, ownProgram } from "../../sys/machine.ts";
import { spawnOwned } from "../../sys/owned_child.ts";

/** Imports of values, not of types alone. */
const IMPORT =
  /^(?:import|export)\s+(?!type\b)(?:[^"';]*?\sfrom\s*)?["']([^"']+)["']/gm;

/** Whether any of these imports what is not among them. */
export function needsBundle(files: readonly TreeFile[]): boolean {
  if (isExecutable()) return false;
  return files.some(({ name, bytes }) => {
    const text = new TextDecoder().decode(bytes);
    return [...text.matchAll(IMPORT)].some(([, target = ""]) =>
      leadsOut(name, target)
    );
  });
}

function leadsOut(name: string, target: string): boolean {
  if (target.startsWith("node:")) return false;
  if (!target.startsWith(".")) return true;
  const depth = name.split("/").length - 1;
  return (target.match(/\.\.\//g) ?? []).length > depth;
}

/** The plugin with this entry as one file of JavaScript. */
export async function bundled(
  entry: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const folder = await makeTempFolder("usher-bundle-");
  const output = `${folder}/plugin.js`;
  const said: string[] = [];
  try {
    const [runtime, ...args] = ownProgram();
    // The main file's folder has the configuration that names the packages.
    const config = args.at(-1)?.replace(/main\.ts$/, "deno.json") ?? "";
    const { exited } = spawnOwned(
      runtime,
      ["bundle", "--quiet", `--config=${config}`, `--output=${output}`, entry],
      {
        env: ownEnvironment(),
        input: "",
        maxLine: 1000,
        onLine: (_stream, line) => said.push(line),
      },
    );
    const { code } = await exited;
    if (code === 0) return await readBytes(output);
    throw new UsherError(
      "invalid_input",
      `Cannot make one file of ${entry}: ${said.slice(0, 3).join("; ")}`,
    );
  } finally {
    await removeIfThere(folder);
  }
}
