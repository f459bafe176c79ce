/**
 * A short command pays for nothing that it does not use: no package is loaded
 * on its way, neither schemas nor YAML nor the controller's router.
 *
 * What was loaded is what V8 counted, so a lazy import that is always taken
 * shows as well as a static one.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { REPOSITORY } from "../support/repository.ts";
import { TestSite } from "../support/site.ts";

/** A value imported from a package; types cost nothing. */
const PACKAGE = /^(?:import|export) (?!type )[^;]*?from "([a-z@][^"]*)";/gms;

/** The files that `usher ARGV` loads, without their folder. */
async function loaded(argv: string[], cliConfig: string): Promise<string[]> {
  const folder = await Deno.makeTempDir({ prefix: "usher_cold_" });
  try {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", `--coverage=${folder}`, "main.ts"]
        .concat(argv),
      cwd: REPOSITORY,
      env: { USHERCLI_CONFIG: cliConfig, HOME: folder },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    strictEqual(code, 0, new TextDecoder().decode(stderr));
    const urls: string[] = [];
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (!isFile || !name.endsWith(".json")) continue;
      urls.push(JSON.parse(await Deno.readTextFile(`${folder}/${name}`)).url);
    }
    return urls.map((url) => decodeURIComponent(url.replace("file://", "")))
      .map((path) => path.replace(REPOSITORY, "")).toSorted();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function packagesOf(path: string): Promise<string[]> {
  if (path.includes("node_modules/")) return [path];
  const text = await Deno.readTextFile(REPOSITORY + path);
  return [...text.matchAll(PACKAGE)].map(([, name = ""]) => name)
    .filter((name) => !name.startsWith("node:"))
    .map((name) => `${path} loads ${name}`);
}

Deno.test("short commands load no package", async (t) => {
  await using site = await TestSite.start({ nodes: 1 });
  await site.run("start", ["web1"]);
  const lines = [
    "vm start web1 --timeout 1m",
    "vm list",
    "vm list -o json",
    "vm show web1",
    "vm wait web1 --for running",
    "node list",
    "vm poweroff web1",
    "version",
    "__complete vm show w",
  ];
  for (const line of lines) {
    await t.step(line, async () => {
      const files = await loaded(line.split(" "), site.site.cliConfig);
      strictEqual(files.includes("src/client/main.ts"), true, files.join());
      const packages = await Promise.all(files.map(packagesOf));
      deepStrictEqual(packages.flat(), []);
      deepStrictEqual(
        files.filter((path) => /src\/(ctrl|lnm)\//.test(path)),
        [],
      );
    });
  }
});
