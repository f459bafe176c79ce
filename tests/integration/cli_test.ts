/**
 * The command line against a real site on `sim`, in one process.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { parse } from "yaml";
import { runClient } from "../../src/client/main.ts";
import { EXIT } from "../../src/client/exit.ts";
import { withShell } from "../support/site_shell.ts";
import { until } from "../support/wait.ts";

Deno.test("a person's first minutes: start, list, show, stop, destroy", () =>
  withShell(2, async ({ run }) => {
    strictEqual(
      (await run("vm list")).err,
      "no VMs; usher vm start NAME makes one\n",
    );
    const started = await run("vm start -n 3 web --memory 64MiB role=front");
    strictEqual(started.code, 0, started.err);
    match(started.err, /web-2\.default\.admin: running on n[12]\n/);
    strictEqual(
      (await run("vm list state=running -o name --sort name")).out,
      "web-1.default.admin\nweb-2.default.admin\nweb-3.default.admin\n",
    );
    match((await run("vm show web-1")).out, /^name +web-1\.default\.admin$/m);
    match((await run("vm show web-1")).out, /^arg role +front$/m);
    match((await run("node list")).out, /^n1 +ready/m);
    strictEqual((await run("vm shutdown web-*")).code, 0);
    strictEqual((await run("vm wait web-* --for stopped")).code, 0);
    strictEqual((await run("vm destroy web-*")).code, 0);
    strictEqual((await run("vm list -o name")).out, "");
    match(
      (await run("op list verb=destroy")).out,
      /destroy +web-1\.default\.admin +succeeded/,
    );
  }));

Deno.test("outcomes have their exit codes", () =>
  withShell(1, async ({ run }) => {
    await run("vm start web");
    const cases: [string, number, RegExp][] = [
      ["vm start web", EXIT.done, /already running/],
      ["vm start bad --sim startError=broken", EXIT.failed, /broken/],
      ["vm start big --memory 900TiB", EXIT.usage, /64 TiB/],
      ["vm start big --memory 900GiB", EXIT.notPlaced, /n1: /],
      [
        "vm start slow --sim bootMs=60s --timeout 100ms",
        EXIT.stillRunning,
        /usher op attach/,
      ],
      ["vm unregister web", EXIT.conflict, /it is running/],
      ["vm show wbe", EXIT.failed, /did you mean "web"\?/],
      ["node show n11", EXIT.failed, /did you mean "n1"\?/],
      ["vm start other --on n11", EXIT.failed, /did you mean "n1"\?/],
      [
        "vm list --controller https://127.0.0.1:1",
        EXIT.denied,
        /Not logged in/,
      ],
    ];
    for (const [line, code, said] of cases) {
      const ran = await run(line);
      strictEqual(ran.code, code, `${line}: ${ran.err}`);
      match(ran.err, said, line);
    }
  }));

Deno.test("Ctrl-C while a start is in flight: it goes on, and attach comes back to it", () =>
  withShell(1, async ({ run, io, site }) => {
    const terminal = io();
    const starting = runClient(
      ["vm", "start", "slow", "--sim", "bootMs=10m"],
      terminal,
    );
    await until("the start shows", () => terminal.err.includes("start on n1"));
    terminal.interrupt();
    strictEqual(await starting, EXIT.stillRunning);
    const [, id = ""] =
      /come back with: usher op attach (\S+)/.exec(terminal.err) ?? [];
    await site.untilState("slow", "starting");
    const attached = run(`op attach ${id}`);
    strictEqual((await run("vm poweroff slow")).code, 0);
    const { code, err } = await attached;
    strictEqual(code, EXIT.failed, err);
    match(err, /slow\.default\.admin: cancelled/);
  }));

Deno.test("--no-wait prints ids that op show and op attach take", () =>
  withShell(1, async ({ run }) => {
    const { out } = await run("vm start a b --no-wait");
    const [id = "", other = ""] = out.trim().split("\n");
    strictEqual((await run(`op attach ${id}`)).code, 0);
    strictEqual((await run(`op attach ${other}`)).code, 0);
    match((await run(`op show ${id}`)).out, /^state +succeeded$/m);
  }));

Deno.test("login: refuses without a way to trust, then works by fingerprint and by file", () =>
  withShell(1, async ({ run, site }) => {
    const password = (await Deno.readTextFile(
      site.site.cliConfig.replace("cli.yaml", "admin-password"),
    )).trim();
    const env = { USHERCLI_CONFIG: "" };
    const login = (...more: string[]) =>
      run([
        "login",
        site.site.url,
        "--user",
        "admin",
        "--password-stdin",
        ...more,
      ], {
        env,
        input: `${password}\n`,
      });
    const blind = await login();
    strictEqual(blind.code, EXIT.denied);
    match(blind.err, /no terminal to ask on/);
    const wrong = await login("--ca-fingerprint", "00");
    strictEqual(wrong.code, EXIT.denied);
    match(wrong.err, /its CA has the fingerprint/);
    const { fingerprint } = site.site.controller.site.ca;
    const sessions = await site.call<{ sessions: unknown[] }>(
      "GET",
      "/v1/sessions",
    );
    const homeless = await run([
      ...["login", site.site.url, "--user", "admin", "--password-stdin"],
      ...["--ca-fingerprint", fingerprint],
    ], { env: { ...env, HOME: "/dev/null" }, input: `${password}\n` });
    strictEqual(homeless.code, EXIT.denied, homeless.err);
    match(
      homeless.err,
      /Cannot keep sessions in \/dev\/null\/\.usher\/credentials\.json/,
    );
    deepStrictEqual(
      (await site.call("GET", "/v1/sessions")).body,
      sessions.body,
      "no session was begun in vain",
    );
    const right = await login("--ca-fingerprint", fingerprint);
    strictEqual(right.code, 0, right.err);
    match((await run("whoami", { env })).out, /^user +admin$/m);
    strictEqual((await run("logout", { env })).code, 0);
    strictEqual((await run("vm list", { env })).code, EXIT.denied);
    const bad = await run(
      ["login", "--user", "admin", "--password-stdin"],
      { env, input: "wrong\n" },
    );
    strictEqual(bad.code, EXIT.denied);
    match(bad.err, /Cannot log in/);
  }));

Deno.test("login: a wrong password is asked for again on a terminal, three times in all", () =>
  withShell(0, async ({ run, site }) => {
    const folder = site.site.cliConfig.replace("cli.yaml", "");
    const password = (await Deno.readTextFile(`${folder}admin-password`))
      .trim();
    const login = (user: string, ...input: string[]) =>
      run(["login", site.site.url, "--user", user], { terminal: true, input });
    const right = await login("admin", "typo\r", `${password}\r`);
    strictEqual(right.code, 0, right.err);
    const asked = (err: string) => err.match(/^password of /gm)?.length;
    strictEqual(asked(right.err), 2);
    match(right.err, /^Cannot log in: User name or password is wrong$/m);
    const wrong = await login("eve", "a\r", "b\r", "c\r", "d\r");
    strictEqual(wrong.code, EXIT.denied);
    strictEqual(asked(wrong.err), 3);
  }));

Deno.test("every list and show has every form of output, and they agree", () =>
  withShell(2, async ({ run }) => {
    strictEqual((await run("vm start web1 web2")).code, 0);
    const ids = (await run("op list -o name")).out.trim().split("\n");
    const lines = [
      ["vm list", "name"],
      ["vm list web1", "name"],
      ["vm show web1", "name"],
      ["vm show web1 web2", "name"],
      ["vm show web*", "name"],
      ["node list", "name"],
      ["node show n1", "name"],
      ["node show n1 n2", "name"],
      ["op list", "id"],
      [`op show ${ids[0]}`, "id"],
      [`op show ${ids.join(" ")}`, "id"],
      ["whoami", "user"],
      ["version", "version"],
      ["vm pause web1", "request"],
    ] as const;
    for (const [line, key] of lines) {
      const as = async (format: string) => {
        const { code, out, err } = await run(`${line} -o ${format}`);
        strictEqual(code, 0, `${line} -o ${format}: ${err}`);
        return out;
      };
      const json = JSON.parse(await as("json"));
      const rows = Array.isArray(json) ? json : [json];
      if (key !== "request") {
        deepStrictEqual(
          names(parse(await as("yaml")), key),
          names(json, key),
          line,
        );
        const ndjson = (await as("ndjson")).trim().split("\n");
        deepStrictEqual(
          ndjson.map((text) => JSON.parse(text)[key]),
          rows.map((row) => row[key]),
          line,
        );
        strictEqual(
          await as("name"),
          rows.map((row) => `${row[key]}\n`).join(""),
          line,
        );
      }
      for (const row of rows) {
        // What people read names it too, in both widths.
        const word = key === "request" ? row.outcomes[0].vm : row[key];
        for (const format of ["table", "wide"]) {
          strictEqual((await as(format)).includes(word), true, line);
        }
      }
    }
  }));

function names(value: unknown, key: string): unknown {
  return Array.isArray(value)
    ? value.map((row) => row[key])
    : (value as Record<string, unknown>)[key];
}

Deno.test("events shows what is there", () =>
  withShell(1, async ({ run }) => {
    await run("vm start web");
    const { code, out } = await run("events --kinds vm,node");
    strictEqual(code, 0);
    match(out, /vm +web\.default\.admin running on n1/);
    match(out, /node +n1 ready/);
  }));
