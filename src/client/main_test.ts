import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { ErrorCode } from "../schema/problem.ts";
import {
  answer,
  type Asked,
  FakeIo,
  lines,
  listed,
  refusal,
  usher,
  vm,
} from "../../tests/support/fake_client.ts";
import { EXIT, EXIT_OF } from "./exit.ts";

Deno.test("usher alone shows the overview, usher vm its verbs", async () => {
  const alone = await usher([]);
  strictEqual(alone.code, EXIT.usage);
  match(alone.out, /usher dev/);
  match((await usher(["vm"])).out, /poweroff\s+cut the power/);
  strictEqual((await usher(["--help"])).code, EXIT.done);
});

Deno.test("every command has help with an example", async () => {
  const { COMMANDS, NOUNS } = await import("./commands/index.ts");
  const names = [
    ...Object.entries(NOUNS).flatMap(([noun, { verbs }]) =>
      Object.keys(verbs).map((verb) => [noun, verb])
    ),
    ...Object.keys(COMMANDS).map((name) => [name]),
  ].filter(([name]) => !["ctrl", "lnm", "dev", "sim"].includes(name ?? ""));
  for (const name of names) {
    const { code, out } = await usher([...name, "--help"]);
    strictEqual(code, EXIT.done, name.join(" "));
    match(out, /^usage: usher /);
    match(out, new RegExp(`examples\\n[^]*usher ${name.join(" ")}`));
  }
});

Deno.test("what is unknown is named with the nearest known word", async () => {
  const cases: [string[], RegExp][] = [
    [["vm", "strat", "web"], /Unknown verb "strat"[^]*did you mean "start"\?/],
    [["nod", "list"], /Unknown command "nod"[^]*did you mean "node"\?/],
    [["start", "web"], /did you mean "usher vm start"\?/],
    [["restore", "f"], /needs its role[^]*did you mean "usher ctrl restore"\?/],
    [["vm", "list", "--colums", "a"], /--colums[^]*did you mean "--columns"\?/],
    [["vm", "list", "-o", "jsn"], /did you mean "json"\?/],
    [["vm", "list", "--columns", "nme"], /did you mean "name"\?/],
    [["vm", "wait", "a", "--for", "runing"], /did you mean "running"\?/],
    [["vm", "start", "a", "--sim", "bootms=1"], /did you mean "bootMs"\?/],
    [["completion", "bsh"], /did you mean "bash"\?/],
  ];
  for (const [argv, expected] of cases) {
    const { code, err } = await usher(
      argv,
      listed([]),
    );
    strictEqual(code, EXIT.usage, argv.join(" "));
    match(err, expected);
  }
});

Deno.test("bad values are refused before anything is sent", async () => {
  const cases: [string[], RegExp][] = [
    [
      ["vm", "start", "web", "--memory", "4GB5"],
      /"4GB5" is no size[^]*try: .*512MiB/,
    ],
    [["vm", "start", "web", "-n", "0"], /from 1 to 10000/],
    [["vm", "start", "web", "-n", "10001"], /from 1 to 10000/],
    [["vm", "start", "-n", "2", "a", "b"], /needs one name/],
    [["vm", "start", "Web"], /did you mean "web"\?/],
    [["vm", "start", "-web"], /Unknown flag/],
    [["vm", "start", "a..b"], /no name of a VM/],
    [["vm", "start", "a/b"], /no name of a VM/],
    [["vm", "start", "role=x"], /No VM is named/],
    [["vm", "start", "a", "--timeout", "5"], /"5" is no duration/],
    [["vm", "start", "a", "--initrd", "/i"], /need a kernel/],
    [["vm", "start", "a", "--disk", "x.img"], /no part of a disk/],
    [["vm", "start", "a", "--vcpus"], /--vcpus needs a value/],
    [["vm", "start", "a", "--no-wait=yes"], /takes no value/],
    [["vm", "start", "a", "--vcpus", "1", "--vcpus", "2"], /given 2 times/],
    [["vm", "start"], /"usher vm start" is not complete[^]*NAMES is missing/],
    [["node", "token", "x"], /does not know what to do with "x"/],
    [["vm", "list", "=n3"], /no condition/],
    [["node", "token", "--node", "N7"], /"N7" is no name of a node/],
    [["vm", "start", "a[b"], /"a\[b" is no name of a VM/],
    [["vm", "start", "w\u00e9b"], /is no name of a VM/],
    [["login", "https://a b"], /"https:\/\/a b" is no address/],
    [["vm", "wait", "a"], /--for is missing/],
    [["vm", "list", "--columns", ","], /"," names no column/],
    [["vm", "list", "--sort", ""], /names no column/],
    [
      ["vm", "list", "-o", "json", "--columns", "name"],
      /--columns is for tables/,
    ],
  ];
  for (const [argv, expected] of cases) {
    const { code, err, out } = await usher(argv, () => {
      throw new Error("was asked");
    });
    strictEqual(code, EXIT.usage, `${argv.join(" ")}: ${err}`);
    match(err, expected);
    strictEqual(out, "");
  }
});

Deno.test("vm list shows a table, and asks for names and conditions", async () => {
  let asked: Asked | undefined;
  const { code, out } = await usher(
    ["vm", "list", "node=n1,state=running", "web*", "db"],
    (request) => {
      asked = request;
      return listed([vm("web10"), vm("web2", "stopped", null)])(request);
    },
  );
  strictEqual(code, 0);
  strictEqual(
    out,
    [
      "NAME               STATE    NODE  VCPUS  MEMORY  SINCE",
      "web2.default.ann   stopped  -         2    512M    42s",
      "web10.default.ann  running  n1        2    512M    42s",
      "",
    ].join("\n"),
  );
  strictEqual(asked?.path, "/v1/vms");
  strictEqual(asked?.query.get("names"), "web*,db");
  strictEqual(asked?.query.get("filter"), "node=n1,state=running");
  strictEqual(asked?.token, "Bearer t0ken");
});

Deno.test("an empty list says that a state is none", async () => {
  const none = listed([]);
  strictEqual(
    (await usher(["vm", "list", "state=runing"], none)).err,
    'no such VMs; there is no state "runing", did you mean "running"?\n',
  );
  strictEqual(
    (await usher(["vm", "list", "state=stopped"], none)).err,
    "no such VMs\n",
  );
  strictEqual(
    (await usher(["op", "list", "state=faild"], none)).err,
    'no operations; there is no state "faild", did you mean "failed"?\n',
  );
});

Deno.test("the states and verbs that the client knows are those of the schema", async () => {
  const { VERB_WORDS, VM_STATES } = await import("./commands/vm/states.ts");
  const schema = await import("../schema/vm.ts");
  deepStrictEqual(VM_STATES.toSorted(), [...schema.VmState.options].toSorted());
  const { VERBS } = await import("../schema/operation.ts");
  deepStrictEqual(VERB_WORDS.toSorted(), Object.keys(VERBS).toSorted());
});

Deno.test("vm list prints every form", async () => {
  const vms = [vm("web10"), vm("web2")];
  const list = (...argv: string[]) =>
    usher(["vm", "list", ...argv], listed(vms))
      .then(({ out }) => out);
  strictEqual(
    await list("-o", "name"),
    "web2.default.ann\nweb10.default.ann\n",
  );
  deepStrictEqual(JSON.parse(await list("-o", "json")), vms.toReversed());
  strictEqual((await list("-o", "ndjson")).trimEnd().split("\n").length, 2);
  match(await list("-o", "yaml"), /^- v: 1\n {2}uid:/);
  strictEqual(
    await list("--no-header", "--columns", "name,state", "--sort=-name"),
    "web10.default.ann  running\nweb2.default.ann   running\n",
  );
  match(await list("-o", "wide"), /CPU +USED +DISK-R +DISK-W +NET-RX +NET-TX/);
});

Deno.test("vm show of one name is an object, of several or of a glob a list", async () => {
  const show = async (...argv: string[]) => {
    const { out } = await usher(
      ["vm", "show", ...argv],
      ({ path }) =>
        path === "/v1/vms"
          ? answer({ revision: 1, vms: [vm("web1")] })
          : answer(vm(path.split("/").at(-1) ?? "")),
    );
    return out;
  };
  strictEqual(JSON.parse(await show("a", "-o", "json")).name, "a.default.ann");
  for (const names of [["a", "b"], ["web*"], ["web[1-3]"]]) {
    const json = JSON.parse(await show(...names, "-o", "json"));
    strictEqual(Array.isArray(json), true, names.join());
    match(await show(...names, "-o", "yaml"), /^- v: 1\n/);
  }
  strictEqual(
    await show("a", "b", "-o", "name"),
    "a.default.ann\nb.default.ann\n",
  );
  match(await show("a", "b"), /^name +a\.default\.ann\n[^]*\n\nname +b\./);
});

Deno.test("usher help says what --help says", async () => {
  for (const words of [["vm"], ["vm", "start"], ["login"], ["dev"]]) {
    const { code, out } = await usher(["help", ...words]);
    strictEqual(code, EXIT.done);
    strictEqual(out, (await usher([...words, "--help"])).out, words.join(" "));
  }
  strictEqual((await usher(["help", "vm", "strat"])).code, EXIT.usage);
});

Deno.test("vm list fits the terminal, in colour there and nowhere else", async () => {
  const controller = listed([vm("a".repeat(60))]);
  const shown = await usher(["vm", "list"], controller, {
    terminal: true,
    columns: 60,
  });
  match(shown.out, /a…/);
  strictEqual(shown.out.includes("\x1b[32mrunning"), true);
  const plain = await usher(["vm", "list"], controller, {
    terminal: true,
    columns: 60,
    env: { NO_COLOR: "1" },
  });
  for (const line of plain.out.trimEnd().split("\n")) {
    strictEqual(line.length <= 60, true, line);
  }
  match((await usher(["vm", "list"], controller)).out, /a{60}\.default/);
});

Deno.test("every error code of the controller has its exit code", async () => {
  for (const [code, exit] of Object.entries(EXIT_OF)) {
    const ran = await usher(
      ["vm", "list"],
      () =>
        refusal(code as ErrorCode, "Cannot do it: because", {
          hint: "do that",
        }),
    );
    strictEqual(ran.code, exit, code);
    strictEqual(
      ran.err,
      "error: Cannot do it\n  why: because\n  try: do that\n",
    );
  }
});

Deno.test("a controller out of reach is exit code 6, with the address and the cause", async () => {
  const { code, err } = await usher(["vm", "list"], () => {
    throw new TypeError(
      "error sending request for url (https://ctrl:8440/v1/vms): client error (Connect): tcp connect error: Connection refused (os error 111)",
    );
  });
  strictEqual(code, EXIT.unreachable);
  match(
    err,
    /Cannot reach the controller at https:\/\/ctrl:8440\n {2}why: connection refused\n {2}try: /,
  );
});

Deno.test("an answer that is no controller's is told as such", async () => {
  const { code, err } = await usher(
    ["vm", "list"],
    () => new Response("<html>", { status: 404 }),
  );
  strictEqual(code, EXIT.unreachable);
  match(err, /answered 404 without a reason/);
});

Deno.test("without a session the way to one is said", async () => {
  const { code, err } = await usher([
    "vm",
    "list",
    "--controller",
    "elsewhere",
  ]);
  strictEqual(code, EXIT.denied);
  match(
    err,
    /Not logged in at https:\/\/elsewhere:8440[^]*usher login https:\/\/elsewhere:8440/,
  );
});

Deno.test("a disk that is full is told without blame", async () => {
  const io = new FakeIo();
  Object.defineProperty(io, "stdout", {
    value: {
      ...io.stdout,
      write() {
        throw new Error("No space left on device (os error 28)");
      },
    },
  });
  const { code, err } = await usher(
    ["vm", "list"],
    listed([vm("a")]),
    io,
  );
  strictEqual(code, EXIT.failed);
  strictEqual(err, "error: Cannot go on: no space left on device\n");
});

Deno.test("a reader that left ends the command quietly", async () => {
  const io = new FakeIo();
  Object.defineProperty(io, "stdout", {
    value: {
      isTerminal: false,
      columns: () => 80,
      rows: () => 24,
      write() {
        throw Object.assign(new Error("Broken pipe"), { name: "BrokenPipe" });
      },
    },
  });
  const { code, err } = await usher(
    ["vm", "list"],
    listed([vm("a")]),
    io,
  );
  strictEqual(code, 0);
  strictEqual(err, "");
});

Deno.test("events of a snapshot end with it", async () => {
  const { code, out } = await usher(
    ["events", "--kinds", "vm"],
    ({ query }) => {
      strictEqual(query.get("kinds"), "vm");
      return lines([
        { type: "hello", revision: 7, reset: false },
        { type: "snapshot", kind: "vm", value: vm("web") },
        { type: "synced", revision: 7 },
      ], "open");
    },
  );
  strictEqual(code, 0);
  match(out, /vm +web\.default\.ann running on n1\n$/);
});
