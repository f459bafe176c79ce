/**
 * What the shell begins with: its own files, the controller that the command
 * line names, and what was told before.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { FakeIo, usher } from "../../../tests/support/fake_client.ts";
import { readShellConfig } from "./ush_config.ts";

/** Runs `test` with a home and a writer of files in it. */
async function inHome(
  test: (
    home: string,
    write: (path: string, text: string) => Promise<void>,
  ) => Promise<void>,
): Promise<void> {
  const home = await Deno.makeTempDir();
  await Deno.mkdir(`${home}/.usher`);
  try {
    await test(
      home,
      (path, text) => Deno.writeTextFile(`${home}/${path}`, text),
    );
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

Deno.test("ush.yaml: home, then $USH_CONFIG, key by key; its section goes over cli.yaml", () =>
  inHome(async (home, write) => {
    const env = { HOME: home };
    deepStrictEqual(await readShellConfig(new FakeIo({ env })), {
      details: false,
      notify: "own",
      cli: {},
    });
    await write(
      ".usher/ush.yaml",
      "hist_len: 5\nnotify: none\ncli:\n  controller: https://a:1\n  output: wide\n",
    );
    await write("mine.yaml", "details: true\ncli: { output: json }\n");
    const named = { ...env, USH_CONFIG: `${home}/mine.yaml` };
    deepStrictEqual(await readShellConfig(new FakeIo({ env: named })), {
      hist_len: 5,
      details: true,
      notify: "none",
      cli: { controller: "https://a:1", output: "json" },
    });
  }));

Deno.test("a mistake in ush.yaml is named where it stands, and the shell does not begin", () =>
  inHome(async (home, write) => {
    const run = (env: Record<string, string>) =>
      usher(["shell", "-c", "set"], undefined, { env });
    for (
      const [text, expected] of [
        [
          "hist_len: 5\ndetail: true\n",
          /ush\.yaml:2:1: unknown key "detail"[^]*did you mean "details"/,
        ],
        [
          "cli:\n  contoller: https://a:1\n",
          /ush\.yaml:2:3: [^]*did you mean "controller"/,
        ],
        ["notify: some\n", /ush\.yaml:1:1: /],
        ["notify: [\n", /ush\.yaml:/],
      ] as const
    ) {
      await write("ush.yaml", text);
      const { code, out, err } = await run({ USH_CONFIG: `${home}/ush.yaml` });
      deepStrictEqual([code, out], [64, ""], text);
      match(err, expected);
    }
    const none = await run({ USH_CONFIG: `${home}/none.yaml` });
    match(
      none.err,
      /no configuration file .*none\.yaml\n {2}try: USH_CONFIG names it/,
    );
  }));

Deno.test("within the shell holds what ush.yaml and --controller say", () =>
  inHome(async (home, write) => {
    await write(
      "ush.yaml",
      "details: true\nnotify: all\ncli: { controller: https://a:1 }\n",
    );
    const env = { USH_CONFIG: `${home}/ush.yaml` };
    const set = await usher(["shell", "-c", "set"], undefined, { env });
    strictEqual(set.out, "details  on\nnotify   all\n");
    const at = async (...argv: string[]) =>
      (await usher(argv, undefined, { env })).err;
    match(
      await at("shell", "-c", "whoami"),
      /Not logged in at https:\/\/a:1\n/,
    );
    for (
      const argv of [
        ["shell", "--controller", "b:1", "-c", "whoami"],
        ["--controller", "b:1", "shell", "-c", "whoami"],
      ]
    ) match(await at(...argv), /Not logged in at https:\/\/b:1\n/);
    // The command line itself has nothing to do with it.
    const nodes = () => Response.json({ nodes: [] });
    const { code } = await usher(["node", "list"], nodes, { env });
    strictEqual(code, 0);
  }));

Deno.test("what a controller says to everybody is told once in a shell", async () => {
  const notice = { about: "certificate", text: "It ends soon", hint: "do x" };
  const headers = {
    "usher-notice": encodeURIComponent(JSON.stringify([notice])),
  };
  const { code, err } = await usher(
    ["shell", "-c", "node list; node list"],
    () => Response.json({ nodes: [] }, { headers }),
  );
  strictEqual(code, 0, err);
  deepStrictEqual(err.match(/^note: .*$/gm), ["note: It ends soon"]);
});
