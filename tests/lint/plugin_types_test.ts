/**
 * The types that `usher plugin init` writes are those that plugins are written
 * against here, and what it writes passes the compiler with them.
 */
import { strictEqual } from "node:assert/strict";
import { pluginTypes, TYPES_FILE } from "../../scripts/plugin_types.ts";
import { init } from "../../src/client/commands/plugin/init.ts";
import { TEMPLATE } from "../../src/client/commands/plugin/template.ts";
import { PluginChecks } from "../../src/schema/plugin_check.ts";
import { readYaml } from "../../src/config/yaml_file.ts";
import { FakeIo } from "../support/fake_client.ts";
import { readRepository } from "../support/repository.ts";
import { runClient } from "../../src/client/main.ts";

Deno.test("usher_plugin.d.ts is what scripts/plugin_types.ts makes", async () => {
  strictEqual(
    await readRepository(TYPES_FILE),
    await pluginTypes(),
    "run scripts/deno run -A scripts/plugin_types.ts",
  );
});

Deno.test("usher plugin init makes a plugin that the compiler takes, and overwrites nothing", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const io = new FakeIo({});
    const argv = ["plugin", "init", "greeter", "--dir", folder];
    strictEqual(await runClient(argv, io), 0, io.err);
    strictEqual(io.out, `${folder}/greeter\n`);
    for (const file of Object.keys(TEMPLATE)) {
      const text = await Deno.readTextFile(`${folder}/greeter/${file}`);
      strictEqual(text.includes("{{name}}"), false, file);
    }
    readYaml(
      "checks.yaml",
      await Deno.readTextFile(`${folder}/greeter/checks.yaml`),
      PluginChecks,
    );
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "plugin.ts"],
      cwd: `${folder}/greeter`,
    }).output();
    strictEqual(code, 0, new TextDecoder().decode(stderr));
    const again = new FakeIo({});
    strictEqual(await runClient(argv, again), 5, again.err);
    strictEqual(again.err.includes("is there already"), true, again.err);
    const left: string[] = [];
    for await (const { name } of Deno.readDir(folder)) left.push(name);
    strictEqual(left.join(), "greeter");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("usher plugin init says what a plugin may be called", async () => {
  for (const name of ["Greeter", "9lives", "a-b", "x".repeat(33)]) {
    const io = new FakeIo({});
    strictEqual(await runClient(["plugin", "init", name], io), 64);
    strictEqual(io.err.includes("cannot be the name"), true, io.err);
  }
  strictEqual(init.words.min, 1);
});
