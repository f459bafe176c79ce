import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { CtrlConfig } from "../schema/config.ts";
import { loadFile, loadLocated } from "./load.ts";

Deno.test("loadLocated() says in which file a key stands, of several the one that counts", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [first, last] = [`${folder}/first.yaml`, `${folder}/last.yaml`];
    await Deno.writeTextFile(
      first,
      "node_lease: 20s\nplugins:\n  dns:\n    events: [register]\n    options: { ttl: 5 }\n",
    );
    await Deno.writeTextFile(
      last,
      "plugins:\n  dns:\n    options:\n      ttl: 6\n",
    );
    Deno.env.set("USHERLOADTEST_CONFIG", first);
    const { config, locate } = await loadLocated("loadtest", CtrlConfig, {
      file: last,
    });
    deepStrictEqual(config.plugins["dns"]?.options, { ttl: 6 });
    strictEqual(
      locate(["plugins", "dns", "options", "ttl"]),
      `${last}:4:7`,
      "it stands in both, and the last wins",
    );
    strictEqual(locate(["plugins", "dns", "events", 0]), `${first}:4:14`);
    strictEqual(
      locate(["plugins", "dns", "options", "server"]),
      `${last}:3:5`,
      "what is missing is missing in its nearest parent",
    );
    strictEqual(locate(["plugins", "users"]), `${last}:1:1`);
    strictEqual(locate(["log", "level"]), null);
  } finally {
    Deno.env.delete("USHERLOADTEST_CONFIG");
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("loadFile() reads one file, and names one that is not there", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "plugin_dirs: [/a]\n");
    const { config, locate } = await loadFile(path, CtrlConfig);
    deepStrictEqual(config.plugin_dirs, ["/a"]);
    match(locate(["plugin_dirs", 0]) ?? "", /:1:15$/);
  } finally {
    await Deno.remove(path);
  }
  await rejects(loadFile(path, CtrlConfig), /There is no file/);
});
