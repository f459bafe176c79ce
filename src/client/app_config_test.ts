import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { z } from "zod";
import type { ConfigFiles } from "../config/sources.ts";
import { getConfig } from "./app_config.ts";

const Schema = z.strictObject({
  interval: z.int().default(5),
  target: z.string(),
  colours: z.strictObject({ ok: z.string().optional() }).prefault({}),
});

function machine(
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): ConfigFiles {
  return {
    read: (path) => Promise.resolve(files[path] ?? null),
    env: (name) => ({ HOME: "/srv/ann", ...env })[name],
  };
}

Deno.test("getConfig() merges a program's files, and its cli sections over cli.yaml", async () => {
  const { config, cli } = await getConfig(
    "my-app",
    Schema,
    machine({
      "/etc/usher/my-app.yaml":
        "target: a\ncli:\n  controller: https://a:1\n  output: json\n",
      "/srv/ann/.usher/my-app.yaml": "interval: 7\n",
      "/v": "cli: {output: wide}\n",
      "/etc/usher/cli.yaml": "ca_file: /ca.pem\ncontroller: https://b:1\n",
    }, { MY_APP_CONFIG: "/v" }),
  );
  deepStrictEqual(config, { interval: 7, target: "a", colours: {} });
  deepStrictEqual(cli, {
    controller: "https://a:1",
    ca_file: "/ca.pem",
    output: "wide",
  });
});

Deno.test("getConfig() without any file is the defaults, or says what must be given", async () => {
  const { config, cli } = await getConfig(
    "myapp",
    z.strictObject({ interval: z.int().default(5) }),
    machine({}),
  );
  deepStrictEqual([config, cli], [{ interval: 5 }, { output: "table" }]);
  await rejects(
    getConfig("myapp", Schema, machine({})),
    /myapp configuration: target: /,
  );
});

Deno.test("getConfig() names a mistake by file, line and column, in either part", async () => {
  const cases: [string, RegExp, string | undefined][] = [
    [
      "target: a\ncli:\n  contrller: https://a:1\n",
      /^\/v:3:3: unknown key "cli\.contrller"$/,
      'did you mean "controller"?',
    ],
    ["intervall: 3\n", /^\/v:1:1: unknown key "intervall"$/, undefined],
    ["cl: {}\n", /^\/v:1:1: unknown key "cl"$/, 'did you mean "cli"?'],
    ["colours:\n  ok: 5\n", /^\/v:2:3: colours\.ok: /, undefined],
    ["cli: [a]\n", /^\/v:1:1: cli: /, undefined],
    ["- a\n", /^\/v:1:1: the file must hold keys/, undefined],
  ];
  for (const [text, message, hint] of cases) {
    const files = machine({ "/v": text }, { MYAPP_CONFIG: "/v" });
    await rejects(getConfig("myapp", Schema, files), (error: Error) => {
      match(error.message, message);
      const { details } = error as Error & { details: { hint?: string } };
      if (hint !== undefined) strictEqual(details.hint, hint);
      return true;
    });
  }
  await rejects(
    getConfig("../x", Schema, machine({})),
    /"\.\.\/x" is no name of a configuration/,
  );
});
