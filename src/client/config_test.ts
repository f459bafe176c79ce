import {
  deepStrictEqual,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { parse } from "yaml";
import { FakeIo } from "../../tests/support/fake_client.ts";
import { controllerUrl, readPlainConfig, readSettings } from "./config.ts";
import { writeCredentials } from "./credentials.ts";

Deno.test("readPlainConfig() reads as YAML does, or not at all", () => {
  const plain = [
    "",
    "# a comment\n\n",
    "controller: https://127.0.0.1:8440\nca_file: /a/ca.pem\n",
    'credentials: "~/.usher/credentials.json"\noutput: wide',
    "controller: https://[::1]:8440\n",
  ];
  for (const text of plain) {
    deepStrictEqual(readPlainConfig(text), parse(text) ?? {}, text);
  }
  const others = [
    "controller: https://a:1 # here",
    "contoller: https://a:1",
    "controller: a",
    "controller:\n  https://a:1",
    "output: xml",
    "output: json\noutput: yaml",
    "{controller: https://a:1}",
    "ca_file: 'a'",
    "ca_file: [a]",
    "ca_file: ~",
    "---\nca_file: a",
  ];
  for (const text of others) strictEqual(readPlainConfig(text), null, text);
});

Deno.test("controllerUrl() takes what people write", () => {
  const cases: [string, string][] = [
    ["ctrl", "https://ctrl:8440"],
    ["ctrl:9000", "https://ctrl:9000"],
    ["https://ctrl.example.org/", "https://ctrl.example.org:8440"],
    ["https://10.0.0.1:443", "https://10.0.0.1"],
    ["https://[::1]:8440", "https://[::1]:8440"],
    ["https://[::1]", "https://[::1]:8440"],
  ];
  for (const [word, expected] of cases) {
    strictEqual(controllerUrl(word), expected, word);
  }
  throws(() => controllerUrl("http://ctrl"), /speaks https only/);
  throws(() => controllerUrl("https://"), /no address of a controller/);
});

async function inHome(
  test: (
    home: string,
    io: (env?: Record<string, string>) => FakeIo,
  ) => Promise<void>,
): Promise<void> {
  const home = await Deno.makeTempDir();
  try {
    await test(home, (env) => new FakeIo({ env: { HOME: home, ...env } }));
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

Deno.test("readSettings(): a flag wins over the environment, that over files, those over the last login", () =>
  inHome(async (home, io) => {
    await writeCredentials(`${home}/.usher/credentials.json`, {
      controller: "https://last:8440",
      user: "ann",
      token: "t",
      expiresAt: "",
    });
    strictEqual((await readSettings(io())).controller, "https://last:8440");
    await Deno.writeTextFile(
      `${home}/cli.yaml`,
      "controller: https://file:1\noutput: wide\n",
    );
    const named = { USHERCLI_CONFIG: `${home}/cli.yaml` };
    const settings = await readSettings(io(named));
    strictEqual(settings.controller, "https://file:1");
    strictEqual(settings.output, "wide");
    // A session is for its controller alone.
    strictEqual(settings.token, undefined);
    const both = io({ ...named, USHER_CONTROLLER: "https://env:1" });
    strictEqual((await readSettings(both)).controller, "https://env:1");
    strictEqual((await readSettings(both, "last")).token, "t");
  }));

Deno.test("readSettings() names the line of a mistake in cli.yaml, and a file that is not there", () =>
  inHome(async (home, io) => {
    await Deno.writeTextFile(
      `${home}/cli.yaml`,
      "# mine\nconroller: https://a:1\n",
    );
    const named = io({ USHERCLI_CONFIG: `${home}/cli.yaml` });
    await rejects(
      readSettings(named),
      /cli\.yaml:2:1: unknown key "conroller"/,
    );
    await rejects(
      readSettings(io({ USHERCLI_CONFIG: `${home}/none.yaml` })),
      /Cannot read .*none\.yaml, which USHERCLI_CONFIG names: there is no/,
    );
  }));
