/**
 * Folders of plugins, as `usher plugin init` makes them.
 *
 * @module
 */
import { TEMPLATE } from "../../src/client/commands/plugin/template.ts";

/** The files of a new plugin of that name. */
export function templateOf(name: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(TEMPLATE).map(([file, text]) => [
      file,
      text.replaceAll("{{name}}", name),
    ]),
  );
}

/** Puts a plugin of these files at `path`. */
export async function writePlugin(
  path: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  await Deno.mkdir(path, { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${path}/${file}`, text);
  }
}
