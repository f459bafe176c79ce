import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { z } from "zod";
import { CtrlConfig } from "../schema/config.ts";
import {
  checkSources,
  type ConfigFiles,
  keyFinder,
  merge,
  mergedFiles,
  parseMerged,
  sourceFiles,
} from "./sources.ts";

const NAMES = { name: "ctrl", variable: "USHERCTRL_CONFIG" };

function machine(
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): ConfigFiles {
  return {
    read: (path) => Promise.resolve(files[path] ?? null),
    env: (name) => ({ HOME: "/srv/ann", ...env })[name],
  };
}

Deno.test("sourceFiles() reads the machine's, the user's, the variable's, the flag's, each once", async () => {
  const files = {
    "/etc/usher/ctrl.yaml": "node_lease: 1s\ndrain: {parallel: 3}\n",
    "/srv/ann/.usher/ctrl.yaml": "node_lease: 2s\n",
    "/v": "node_lease: 3s\n",
    "/f": "drain: {per_target: 4}\n",
  };
  const all = await sourceFiles(
    { ...NAMES, file: "/f" },
    machine(files, { USHERCTRL_CONFIG: "/v" }),
  );
  deepStrictEqual(all.map(({ path }) => path), [
    "/etc/usher/ctrl.yaml",
    "/srv/ann/.usher/ctrl.yaml",
    "/v",
    "/f",
  ]);
  deepStrictEqual(mergedFiles(all, CtrlConfig), {
    node_lease: "3s",
    drain: { parallel: 3, per_target: 4 },
  });
  const find = keyFinder(all);
  strictEqual(find(["drain", "parallel"])?.file, "/etc/usher/ctrl.yaml");
  strictEqual(find(["node_lease"])?.file, "/v");
  const twice = await sourceFiles(
    { ...NAMES, file: "/etc/usher/ctrl.yaml" },
    machine(files),
  );
  deepStrictEqual(twice.map(({ path }) => path), [
    "/srv/ann/.usher/ctrl.yaml",
    "/etc/usher/ctrl.yaml",
  ]);
});

Deno.test("sourceFiles() names a file that must be there and is not", async () => {
  await rejects(
    sourceFiles(NAMES, machine({}, { USHERCTRL_CONFIG: "/none" })),
    /There is no configuration file \/none/,
  );
  await rejects(
    sourceFiles({ ...NAMES, file: "/none" }, machine({})),
    /There is no configuration file \/none/,
  );
});

Deno.test("checkSources() tells every mistake of every file", async () => {
  const { files, mistakes } = await checkSources(
    { ...NAMES, file: "/none" },
    CtrlConfig,
    machine({
      "/etc/usher/ctrl.yaml": "lsten: {}\nlog:\n  level: loud\n",
      "/srv/ann/.usher/ctrl.yaml": "drain:\n  parallel: 0\nnode_leas: 1s\n",
    }),
  );
  deepStrictEqual(files, [
    "/etc/usher/ctrl.yaml",
    "/srv/ann/.usher/ctrl.yaml",
  ]);
  deepStrictEqual(mistakes.map(({ at, key }) => `${at} ${key}`), [
    "/etc/usher/ctrl.yaml:1:1 lsten",
    "/etc/usher/ctrl.yaml:3:3 log.level",
    "/srv/ann/.usher/ctrl.yaml:2:3 drain.parallel",
    "/srv/ann/.usher/ctrl.yaml:3:1 node_leas",
    " ",
  ]);
  match(mistakes.at(-1)?.text ?? "", /no configuration file \/none/);
});

Deno.test("what must be given may stand in any of the files, and is asked for of all together", async () => {
  const schema = z.strictObject({ server: z.string(), port: z.int() });
  const files = machine({
    "/etc/usher/app.yaml": "server: a\n",
    "/srv/ann/.usher/app.yaml": "port: 1\n",
  });
  const names = { name: "app", variable: "APP_CONFIG" };
  const all = await sourceFiles(names, files);
  deepStrictEqual(parseMerged("app", mergedFiles(all, schema), schema), {
    server: "a",
    port: 1,
  });
  const [first] = all;
  throws(
    () => parseMerged("app", mergedFiles([first!], schema), schema),
    /app configuration: port: /,
  );
  const { mistakes } = await checkSources(
    names,
    schema,
    machine({ "/etc/usher/app.yaml": "server: a\n" }),
  );
  strictEqual(mistakes.length, 1);
});

Deno.test("merge() knows no names of keys that mean something", () => {
  const merged = merge(
    { a: { b: 1 } },
    JSON.parse('{"__proto__": {"x": 1}, "a": {"c": 2}}'),
  ) as Record<string, unknown>;
  deepStrictEqual(Object.keys(merged), ["a", "__proto__"]);
  deepStrictEqual(merged["a"], { b: 1, c: 2 });
  strictEqual((merged as { x?: number }).x, undefined);
});
