import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { parse } from "yaml";
import { FakeIo } from "../../../../tests/support/fake_client.ts";
import { runClient } from "../../main.ts";

/** Runs `usher config …` in a home that holds `files`. */
async function run(
  argv: readonly string[],
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
) {
  const home = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${home}/.usher`);
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${home}/.usher/${name}`, text);
    }
    const io = new FakeIo({ env: { HOME: home, ...env } });
    const code = await runClient(
      argv.map((word) => word.replace("HOME", home)),
      io,
    );
    const plain = (text: string) => text.replaceAll(home, "HOME");
    return { code, out: plain(io.out), err: plain(io.err) };
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

Deno.test("usher config show --origin: a line of a file, a flag, a variable, or default", async () => {
  const { code, out } = await run(
    [
      "config",
      "show",
      "lnm",
      "--origin",
      "--driver",
      "sim",
      "--state",
      "/s",
      "-o",
      "json",
    ],
    { "lnm.yaml": "labels:\n  zone: a\nusage_interval: 5s\n" },
  );
  strictEqual(code, 0);
  const rows = new Map(
    (JSON.parse(out) as { key: string; value: unknown; origin: string }[]).map(
      ({ key, value, origin }) => [key, [value, origin]],
    ),
  );
  deepStrictEqual(rows.get("labels.zone"), ["a", "HOME/.usher/lnm.yaml:2:3"]);
  deepStrictEqual(rows.get("usage_interval"), [
    "5s",
    "HOME/.usher/lnm.yaml:3:1",
  ]);
  deepStrictEqual(rows.get("drivers.qemu.enabled"), [false, "--driver"]);
  deepStrictEqual(rows.get("state_dir"), ["/s", "--state"]);
  deepStrictEqual(rows.get("overcommit.cpus"), [16, "default"]);
  const cli = await run(["config", "show", "--origin"], {}, {
    USHER_CONTROLLER: "https://a:1",
  });
  match(cli.out, /^controller +https:\/\/a:1 +\$USHER_CONTROLLER$/m);
});

Deno.test("usher config show hides what plugins are given to keep, and not where it lies", async () => {
  const { out } = await run(["config", "show", "ctrl"], {
    "ctrl.yaml": `plugins:
  mine:
    events: [register]
    options:
      password: hunter2
      api_key: hunter2
      password_file: /etc/usher/mine.secret
      url: postgres://usher:hunter2@db/usher
      servers: [{ token: hunter2, name: a }]
`,
  });
  strictEqual(out.includes("hunter2"), false, out);
  const { mine, users } = parse(out).plugins;
  deepStrictEqual(mine.options, {
    password: "(hidden)",
    api_key: "(hidden)",
    password_file: "/etc/usher/mine.secret",
    url: "postgres://usher:(hidden)@db/usher",
    servers: [{ token: "(hidden)", name: "a" }],
  });
  deepStrictEqual(users.events, ["client_authenticate", "lnm_authenticate"]);
});

Deno.test("usher config check tells all mistakes of all configurations, and answers 1", async () => {
  const { code, out } = await run(["config", "check"], {
    "ctrl.yaml": "log:\n\tlevel: info\n",
    "lnm.yaml": "overkommit: {}\nusage_interval: fast\n",
    "cli.yaml": "output: table\n",
  });
  strictEqual(code, 1);
  match(out, /^HOME\/\.usher\/ctrl\.yaml:2:1: Tabs are not allowed/m);
  match(
    out,
    /^HOME\/\.usher\/lnm\.yaml:1:1: unknown key "overkommit"\n {2}did you mean "overcommit"\?$/m,
  );
  match(out, /^HOME\/\.usher\/lnm\.yaml:2:1: usage_interval: "fast" is no/m);
  match(out, /^cli: right \(HOME\/\.usher\/cli\.yaml\)$/m);
});

Deno.test("usher config check knows what only two files together make wrong", async () => {
  const { code, out } = await run(
    ["config", "check", "ctrl", "--config", "HOME/.usher/more.yaml"],
    {
      "ctrl.yaml": "node_lease: 1h\n",
      "more.yaml": "log: {}\ntakeover_margin: 3s\n",
    },
  );
  strictEqual(code, 1);
  match(
    out,
    /^HOME\/\.usher\/more\.yaml:2:1: Cannot keep copies of VMs apart[^]*it must be 10s at least/,
  );
});

Deno.test("usher config check FILE looks at that file alone", async () => {
  const files = { "ctrl.yaml": "wrong: 1\n", "new.yaml": "log: {}\n" };
  const file = "HOME/.usher/new.yaml";
  const right = await run(["config", "check", "ctrl", file], files);
  deepStrictEqual([right.code, right.out], [0, `ctrl: right (${file})\n`]);
  const folder = await run(["config", "check", "ctrl", "HOME/.usher"], files);
  match(folder.err, /Cannot read HOME\/\.usher/);
  const none = await run(["config", "check", "lnm"], files);
  deepStrictEqual([none.code, none.out], [
    0,
    "lnm: no file, so every value is the default\n",
  ]);
});

Deno.test("usher config refuses what does not belong together", async () => {
  const unknown = await run(["config", "check", "ctr"], {});
  match(unknown.err, /Unknown configuration "ctr"[^]*did you mean "ctrl"/);
  const flag = await run(["config", "show", "ctrl", "--driver", "sim"], {});
  match(flag.err, /--driver says nothing of ctrl\.yaml/);
  const config = await run(["config", "check", "--config", "x"], {});
  match(config.err, /Cannot tell whose configuration --config names/);
});
