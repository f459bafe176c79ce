/**
 * `usher plugin init`.
 *
 * @module
 */
import {
  makeFolder,
  removeIfThere,
  renameDurably,
  statOrNull,
  writeDurably,
} from "../../../sys/file.ts";
import { newId } from "../../../sys/id.ts";
import { defineCommand, text } from "../../command.ts";
import { EXIT } from "../../exit.ts";
import { failure } from "../../failure.ts";
import { UsageError } from "../../usage.ts";

/** Plugins are code, which others may read. */
const MODE = 0o644;

export const init = defineCommand({
  about:
    "Make a folder with a plugin that works: the plugin, types for editors, checks that usher plugin check runs, and a README with what to put into ctrl.yaml. What is there already is never overwritten.",
  words: { usage: "NAME", min: 1, max: 1, completes: "none" },
  flags: {
    dir: text("DIR", "make it in this folder; here by default", {
      completes: "file",
    }),
  },
  examples: [
    ["usher plugin init greeter", "makes the folder greeter"],
    [
      "usher plugin init greeter --dir site-plugins",
      "makes site-plugins/greeter",
    ],
  ],
  async run({ io }, { words: [name = ""], flags }) {
    const { PluginName } = await import("../../../schema/plugin.ts");
    const parsed = PluginName.safeParse(name);
    if (!parsed.success) {
      throw new UsageError(
        `"${name}" cannot be the name of a plugin: it ${
          parsed.error.issues[0]?.message
        }`,
        "choose a name such as quota or dns_names",
      );
    }
    const folder = flags.dir ?? ".";
    await write(folder, name);
    io.stdout.write(`${folder}/${name}\n`);
    io.stderr.write(
      `Try it with: usher plugin check ${folder}/${name}\n${folder}/${name}/README.md says how it is registered\n`,
    );
    return EXIT.done;
  },
});

/** All files or none: they are put in their place in one go. */
async function write(folder: string, name: string): Promise<void> {
  const path = `${folder}/${name}`;
  for (const there of [path, `${path}.ts`, `${path}.js`]) {
    if (await statOrNull(there) === null) continue;
    throw await failure("already_exists", `"${there}" is there already`, {
      hint: "choose another name, or another folder with --dir",
    });
  }
  const { TEMPLATE } = await import("./template.ts");
  const making = `${folder}/.${name}.${newId()}.new`;
  try {
    await makeFolder(making, 0o755);
    for (const [file, content] of Object.entries(TEMPLATE)) {
      await writeDurably(
        `${making}/${file}`,
        content.replaceAll("{{name}}", name),
        { mode: MODE },
      );
    }
    await renameDurably(making, path);
  } catch (error) {
    await removeIfThere(making);
    throw error;
  }
}
