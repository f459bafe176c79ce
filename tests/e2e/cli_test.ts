/**
 * The compiled command line, as a person and a script meet it: a site made by
 * `usher dev`, and then nothing but the executable.
 *
 * @module
 */
import { match, strictEqual } from "node:assert/strict";
import { compiledUsher } from "../support/compiled.ts";
import { CompiledSite } from "../support/compiled_site.ts";
import { Pty } from "../support/pty.ts";
import { until } from "../support/wait.ts";

Deno.test("usher dev asks what becomes of its VMs, and says how to come back", async () => {
  const folder = await Deno.makeTempDir({ prefix: "usher_dev_" });
  const usher = await compiledUsher();
  const env = {
    HOME: folder,
    TMPDIR: folder,
    PATH: `${usher.replace(/\/usher$/, "")}:${Deno.env.get("PATH")}`,
  };
  await using dev = new Pty("usher dev --nodes 2", env);
  await dev.untilShown(/export USHERCLI_CONFIG=\S+\r?\n.*usher vm list/s);
  const [, config = ""] = /USHERCLI_CONFIG=(\S+)/.exec(dev.printed) ?? [];
  const run = async (line: string) => {
    const { code, stdout } = await new Deno.Command("bash", {
      args: ["--norc", "-c", line],
      env: { ...env, USHERCLI_CONFIG: config },
      stdin: "null",
    }).output();
    strictEqual(code, 0, line);
    return new TextDecoder().decode(stdout);
  };
  await run("usher vm start web");
  await dev.type("\x03");
  await dev.untilShown(/1 VM\(s\) are on\. Cut their power\? \[Y\/n\]/);
  await dev.type("n\r");
  strictEqual(await dev.ended(), 0);
  strictEqual(/warn/.test(dev.printed), false, dev.printed);

  const [, back = ""] =
    /come back with: (usher dev [^\r\n]+)/.exec(dev.printed) ??
      [];
  await using again = new Pty(back, env);
  await again.untilShown(/^ready/m);
  match(await run("usher vm list"), /^web\.default\.admin +running/m);
  await again.type("\x03");
  await again.untilShown(/Cut their power/);
  await again.type("\r");
  strictEqual(await again.ended(), 0);
  match(again.printed, /cutting the power of 1 VM/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the compiled command line", async (t) => {
  await using site = await CompiledSite.start();
  const { run } = { run: site.run.bind(site) };

  await t.step("a person's first ten minutes", async () => {
    const started = await run(
      "vm",
      "start",
      "-n",
      "3",
      "web",
      "--memory",
      "64MiB",
    );
    strictEqual(started.code, 0, started.err);
    const { out } = await run("vm", "list", "--sort", "name");
    match(
      out,
      /^NAME +STATE +NODE +VCPUS +MEMORY +SINCE\nweb-1\.default\.admin +running +n[12] +1 +64M /,
    );
    strictEqual(
      JSON.parse((await run("vm", "list", "-o", "json")).out).length,
      3,
    );
    match(
      (await run("vm", "show", "web-1", "-o", "yaml")).out,
      /^name: web-1\.default\.admin$/m,
    );
    strictEqual((await run("vm", "pause", "web-1")).code, 0);
    strictEqual((await run("vm", "resume", "web-1")).code, 0);
    strictEqual((await run("vm", "reboot", "web-1")).code, 0);
    strictEqual((await run("vm", "shutdown", "web-2")).code, 0);
    strictEqual(
      (await run("vm", "list", "state=stopped", "-o", "name")).out,
      "web-2.default.admin\n",
    );
    match((await run("version")).out, /^usher .*\ncontroller .* at https:/);
    match((await run("vm", "--help")).out, /shutdown/);
  });

  await t.step("exit codes", async () => {
    const cases: [string[], number][] = [
      [["vm", "start", "web-1"], 0],
      [["vm", "show", "nosuch"], 1],
      [["vm", "start", "big", "--memory", "900GiB"], 2],
      [["vm", "start", "slow", "--sim", "bootMs=60s", "--timeout", "100ms"], 3],
      [["vm", "list", "--controller", "https://localhost:1"], 4],
      [["vm", "unregister", "web-1"], 5],
      [["vm", "strat", "web-1"], 64],
      [["vm", "start", "a", "--memory", "4GB5"], 64],
      [["vm", "start", "a", "-n", "0"], 64],
      [["vm", "start", "a", "-n", "10001"], 64],
      [["vm", "start", "a", "--spec", "/proc"], 64],
      [["ctrl", "admn-token"], 64],
      [["ctrl", "--config", "/nowhere/ctrl.yaml"], 64],
      [["dev", "--state", "/proc/nowhere"], 6],
    ];
    for (const [argv, code] of cases) {
      const ran = await run(...argv);
      strictEqual(ran.code, code, `${argv.join(" ")}: ${ran.err}`);
      strictEqual(/\n\s+at /.test(ran.err), false, `a stack trace: ${ran.err}`);
    }
    strictEqual((await run("vm", "destroy", "slow")).code, 0);
  });

  await t.step(
    "a glob or the beginning of an id names a VM everywhere",
    async () => {
      const { out } = await run("vm", "show", "web-3", "-o", "json");
      const { uid, name } = JSON.parse(out);
      const others = await run("vm", "list", "-o", "ndjson");
      const uids = others.out.trim().split("\n").map((line) =>
        JSON.parse(line).uid as string
      ).filter((other) => other !== uid);
      let prefix = uid.slice(0, 6);
      while (uids.some((other) => other.startsWith(prefix))) {
        prefix = uid.slice(0, prefix.length + 1);
      }
      for (const word of [prefix, "w*-[3]"]) {
        for (
          const argv of [
            ["vm", "show", word, "-o", "name"],
            ["vm", "list", word, "-o", "name"],
            ["vm", "pause", word, "-o", "name"],
            ["vm", "resume", word, "-o", "name"],
            ["vm", "start", word, "-o", "name"],
          ]
        ) {
          const ran = await run(...argv);
          strictEqual(ran.code, 0, `${argv.join(" ")}: ${ran.err}`);
          strictEqual(ran.out, `${name}\n`, argv.join(" "));
        }
        const waited = await run("vm", "wait", word, "--for", "running");
        strictEqual(waited.code, 0, waited.err);
      }
      const shared = uid.slice(0, 6);
      const several = uids.some((other) => other.startsWith(shared));
      const ran = await run("vm", "show", shared);
      strictEqual(ran.code === 0, !several, ran.err);
      if (several) match(ran.err, /could be \d+ VMs[^]*web-3/);
    },
  );

  await t.step("a reader that leaves early", async () => {
    strictEqual(
      (await run("vm", "start", "-n", "300", "many", "--memory", "16MiB")).code,
      0,
    );
    const ran = await site.bash(
      'usher vm list -o ndjson | head -1 | wc -l; echo "${PIPESTATUS[*]}"',
    );
    strictEqual(ran.out, "1\n0 0 0\n");
    strictEqual(ran.err, "");
    strictEqual((await run("vm", "destroy", "many-*")).code, 0);
  });

  await t.step("completion knows the live names", async () => {
    const complete = (line: string) =>
      site.bash(`
        eval "$(usher completion bash)"
        COMP_WORDS=(${line}) COMP_CWORD=$((${line.split(" ").length} - 1))
        _usher
        printf '%s\\n' "\${COMPREPLY[@]}"
      `).then(({ out }) => out);
    strictEqual(await complete("usher vm sh"), "show\nshutdown\n");
    strictEqual(
      (await complete("usher vm show web")).trim().split("\n").toSorted()
        .join(),
      "web-1.default.admin,web-2.default.admin,web-3.default.admin",
    );
    strictEqual(await complete("usher vm start x --on n1"), "n1\n");
  });

  await t.step("Ctrl-C detaches, and attach comes back", async () => {
    // However slow the machine is, the start is still going on.
    await using pty = new Pty("usher vm start lazy --sim bootMs=10m", site.env);
    await pty.untilShown(/start on n/);
    await pty.type("\x03");
    strictEqual(await pty.ended(), 3, pty.printed);
    const [, id = ""] = /usher op attach (\w+)/.exec(pty.printed) ?? [];
    await using attached = new Pty(`usher op attach ${id}`, site.env);
    await attached.untilShown(/lazy\.default\.admin +start on n/);
    strictEqual((await run("vm", "destroy", "lazy")).code, 0);
    strictEqual(await attached.ended(), 1, attached.printed);
    match(attached.printed, /lazy\.default\.admin +cancelled/);
  });

  await t.step("the console is a terminal that ^] leaves", async () => {
    await using pty = new Pty(
      `sh -c "usher vm console web-1; stty -a"`,
      site.env,
    );
    await pty.untilShown(/ready, type and it comes back/);
    await pty.type("\x1b[31mhello\x03 there\r");
    await pty.untilShown(/hello. there/s);
    strictEqual(pty.printed.includes("\x03"), true, "Ctrl-C is the guest's");
    await pty.type("\x1d");
    await pty.untilShown(/left the console of web-1/);
    strictEqual(await pty.ended(), 0);
    match(pty.printed, / icanon/, "the terminal is as it was");
    strictEqual(pty.printed.includes("\x1b[0m\x1b[?25h"), true, "no colours");
  });

  await t.step("two consoles see one line, until its VM is off", async () => {
    await using one = new Pty("usher vm console web-1", site.env);
    await using two = new Pty("usher vm console web-1 --no-input", site.env);
    for (const pty of [one, two]) await pty.untilShown(/ready, type/);
    await one.type("to both\r");
    await Promise.all([one, two].map((pty) => pty.untilShown(/to both/)));
    strictEqual((await run("vm", "poweroff", "web-1")).code, 0);
    for (const pty of [one, two]) {
      await pty.untilShown(/console closed/);
      strictEqual(await pty.ended(), 0);
    }
    const { code, err } = await run("vm", "console", "web-1");
    strictEqual(code, 5);
    match(
      err,
      /has no console\n {2}why: it is stopped .*\n {2}try: usher vm start web-1/,
    );
  });

  await t.step("the console in a pipe", async () => {
    const { code, out } = await site.bash(
      "printf 'from a pipe\\r' | usher vm console web-3 --history 0 --linger 8s",
    );
    strictEqual(code, 0);
    match(out, /from a pipe/);
  });

  await t.step(
    "login on a terminal shows the CA, and the password never",
    async () => {
      const env = { ...site.env, USHERCLI_CONFIG: "" };
      const cli = await Deno.readTextFile(`${site.folder}/cli.yaml`);
      const [, url = ""] = /controller: (\S+)/.exec(cli) ?? [];
      const password =
        (await Deno.readTextFile(`${site.folder}/admin-password`)).trim();
      await using pty = new Pty(`usher login ${url} --user admin`, env);
      await pty.untilShown(/fingerprint\r?\n +([0-9A-F]{2}:){31}[0-9A-F]{2}/);
      await pty.type("yes\r");
      await pty.untilShown(/password of admin/);
      await pty.type(`${password}\r`);
      await pty.untilShown(/logged in at/);
      strictEqual(await pty.ended(), 0);
      strictEqual(pty.printed.includes(password), false);
      const who = await site.bash("usher whoami", { USHERCLI_CONFIG: "" });
      match(who.out, /^user +admin$/m);
    },
  );

  await t.step(
    "Ctrl-C at the password leaves the terminal as it was",
    async () => {
      const cli = await Deno.readTextFile(`${site.folder}/cli.yaml`);
      const [, url = ""] = /controller: (\S+)/.exec(cli) ?? [];
      await using pty = new Pty(
        `sh -c 'usher login ${url} --user admin; echo code $?; stty -a'`,
        site.env,
      );
      await pty.untilShown(/password of admin/);
      await pty.type("secret\x03");
      await pty.untilShown(/code 130\r?\n/);
      strictEqual(await pty.ended(), 0);
      match(pty.printed, / echo /, "the terminal is as it was");
      strictEqual(/secret|error/.test(pty.printed), false, pty.printed);
    },
  );

  await t.step("a command lives through its controller's end", async () => {
    await using pty = new Pty("usher vm start long --sim bootMs=10m", site.env);
    await pty.untilShown(/start on n/);
    await site.crash();
    await pty.untilShown(/connection lost, coming back/);
    await site.restart();
    await until(
      "controller and node are back",
      async () => (await run("vm", "poweroff", "long")).code === 0,
      { deadlineMs: 90_000 },
    );
    strictEqual(await pty.ended(), 1);
    match(pty.printed, /long\.default\.admin +cancelled/);
  });

  await t.step("a controller that is gone", async () => {
    await site.crash();
    const { code, err } = await run("vm", "list");
    strictEqual(code, 6);
    match(
      err,
      /Cannot reach the controller at https:\/\/127\.0\.0\.1:\d+\n {2}why: connection refused\n {2}try: /,
    );
  });
});
