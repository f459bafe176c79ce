/**
 * ush as a person has it: the executable by its other name, on a real
 * terminal.
 *
 * @module
 */
import { match, strictEqual } from "node:assert/strict";
import { CompiledSite } from "../support/compiled_site.ts";
import { readRepository } from "../support/repository.ts";
import { linkUsh, Ush } from "../support/ush.ts";
import { until } from "../support/wait.ts";

Deno.test("ush on a terminal", async (t) => {
  await using site = await CompiledSite.start();
  strictEqual((await site.run("vm", "start", "solo")).code, 0);
  const env = await linkUsh(site);
  const bash = (line: string, more: Record<string, string> = {}) =>
    site.bash(line, { ...env, ...more });

  await t.step(
    "completes, edits, runs, and keeps what was entered",
    async () => {
      await using ush = new Ush(site, env);
      await ush.untilConnected();
      const { pty } = ush;
      await pty.type("sho\tso\t");
      await ush.untilLine("ush> show solo.default.admin");
      await pty.type("\r");
      await pty.untilShown(/name +solo\.default\.admin/);
      await ush.untilLine("ush>");
      // A letter of two code points goes at once, and so does a word.
      await pty.type("nodes 日本 e\u0301\x7f\x17");
      await ush.untilLine("ush> nodes");
      await pty.type("\r");
      await pty.untilShown(/^n2 +ready/m);
      await pty.type("\x1b[200~whoami\nlist -o name\n\x1b[201~");
      await ush.untilLine("ush> whoami^Jlist -o name");
      await pty.type("\r");
      await pty.untilShown(/role +admin[^]*solo\.default\.admin\r?$/m);
      await pty.type("\x12nod");
      await ush.untilLine("(history)`nod': nodes");
      await pty.type("\x07");
      await ush.untilLine("ush>");
      await ush.quit();
      await using again = new Ush(site, env);
      await again.untilConnected();
      await again.pty.type("\x1b[A\x1b[A");
      await again.untilLine("ush> nodes");
      await again.pty.type("\x15");
      await again.quit();
    },
  );

  await t.step(
    "says what happens above the line that is being typed",
    async () => {
      await using ush = new Ush(site, env, 30);
      await ush.untilConnected();
      await ush.pty.type("show a-line-that-goes-over-the-edge");
      strictEqual((await site.run("vm", "start", "told")).code, 0);
      await ush.pty.untilShown(/told\.default\.admin running/);
      strictEqual(
        ush.screen.slice(-2).join("|"),
        "ush> show a-line-that-goes-ove|r-the-edge",
      );
      await ush.pty.type("\x15");
      // What a command waits for it tells itself, once.
      await ush.pty.type("poweroff told\r");
      await ush.pty.untilShown(/told\.default\.admin: stopped|stopped on n/);
      await ush.untilLine("ush>");
      strictEqual(/-- \S+ told\S* stopped/.test(ush.pty.printed), false);
      await ush.quit();
    },
  );

  await t.step("draws the line anew in a window of 20 columns", async () => {
    await using ush = new Ush(site, env);
    await ush.untilConnected();
    await ush.pty.type("show 日本-and-a-line-of-words");
    await ush.untilLine("ush> show 日本-and-a-line-of-words");
    const before = ush.pty.printed.length;
    await ush.resize(20);
    await until(
      "it is drawn anew",
      () =>
        /ush> show 日本-and-a\r+\n-line-of-words/.test(
          ush.pty.printed.slice(before),
        ),
    );
    await ush.pty.type("\x15");
    await ush.quit();
  });

  await t.step(
    "lends the terminal to a console, and takes it back",
    async () => {
      await using ush = new Ush(site, env);
      await ush.untilConnected();
      await ush.pty.type("console so\t\r");
      await ush.pty.untilShown(/ready, type and it comes back/);
      await ush.pty.type("hello there\r");
      await ush.pty.untilShown(/hello there/);
      await ush.pty.type("\x1d");
      await ush.pty.untilShown(/left the console/);
      await ush.untilLine("ush>");
      await ush.pty.type("list -o name\r");
      await ush.pty.untilShown(/[\nl]solo\.default\.admin\r?$/m);
      await ush.quit();
    },
  );

  await t.step(
    "Ctrl-C empties the line, and leaves a wait that goes on",
    async () => {
      await using ush = new Ush(site, env);
      await ush.untilConnected();
      await ush.pty.type("not this\x03");
      await ush.untilLine("ush>");
      await ush.pty.type("start slow --sim bootMs=10m\r");
      await ush.pty.untilShown(/start on n[12]/);
      await ush.pty.type("\x03");
      await ush.pty.untilShown(/come back with: usher op attach \S+/);
      await ush.untilLine("ush>");
      // The hint can be used as it is.
      const [, id = ""] = /usher op attach (\S+)/.exec(ush.pty.printed) ?? [];
      await ush.pty.type(`usher op cancel ${id.slice(0, 3)}\t\r`);
      await ush.pty.untilShown(/slow\.default\.admin is gone/);
      await ush.quit();
    },
  );

  await t.step(
    "comes back after the controller was killed, and says so",
    async () => {
      await using ush = new Ush(site, env);
      await ush.untilConnected();
      await ush.pty.type("list");
      await site.crash();
      await ush.pty.untilShown(
        /lost the controller at .*; coming back by itself/,
      );
      await site.restart();
      await ush.pty.untilShown(/connected again to https/);
      await ush.untilLine("ush> list");
      await ush.pty.type(" -o name\r");
      await ush.pty.untilShown(/[\nl]solo\.default\.admin\r?$/m);
      await ush.quit();
    },
  );

  await t.step(
    "asks for the password where the session has ended",
    async () => {
      await using ush = new Ush(site, env);
      await ush.untilConnected();
      const own = await Deno.readTextFile(`${site.folder}/cli.yaml`);
      const other = `${site.folder}/other`;
      await Deno.writeTextFile(
        `${other}.yaml`,
        own.replace(/^credentials: .*$/m, `credentials: ${other}.json`),
      );
      await Deno.copyFile(`${site.folder}/credentials.json`, `${other}.json`);
      await Deno.chmod(`${other}.json`, 0o600);
      const ended = await bash("usher logout", {
        USHERCLI_CONFIG: `${other}.yaml`,
      });
      strictEqual(ended.code, 0, ended.err);
      await ush.pty.untilShown(/the session at .* has ended/);
      await ush.pty.type("list -o name\r");
      await ush.pty.untilShown(/password of admin/);
      const password = await Deno.readTextFile(`${site.folder}/admin-password`);
      await ush.pty.type(`${password.trim()}\r`);
      await ush.pty.untilShown(/logged in[^]*solo\.default\.admin\r?$/m);
      await ush.untilLine("ush>");
      await ush.quit();
    },
  );

  await t.step("sets a damaged history aside, and goes on", async () => {
    const state = `${site.folder}/home/.local/state/usher`;
    await Deno.writeFile(`${state}/ush_history`, Uint8Array.of(255, 0, 10));
    await using ush = new Ush(site, env);
    await ush.pty.untilShown(/was damaged; it lies in/);
    await ush.untilConnected();
    await ush.pty.type("list -o name\r");
    await ush.pty.untilShown(/[\nl]solo\.default\.admin\r?$/m);
    await ush.quit();
    strictEqual(
      await Deno.readTextFile(`${state}/ush_history`),
      "list -o name\n",
    );
  });

  await t.step("prints no escape on a terminal that knows none", async () => {
    await using ush = new Ush(site, { ...env, TERM: "dumb" });
    await ush.pty.untilShown(/ush> /);
    await ush.pty.type("list -o name\r");
    await ush.pty.untilShown(/solo\.default\.admin\r?\n[^]*ush> $/);
    await ush.quit();
    strictEqual(ush.pty.printed.includes("\x1b"), false, ush.pty.printed);
  });

  await t.step(
    "runs scripts, and ends with the code of what failed first",
    async () => {
      const cases: [line: string, code: number, out: RegExp, err: RegExp][] = [
        ["ush -c 'list -o name; nodes -o name'", 0, /solo\S+\n[^]*n1\n/, /^$/],
        ["printf 'whoami\\n# a word\\nlist -o name' | ush", 0, /solo/, /^$/],
        [
          "printf 'show nobody\\nlist -o name' | ush",
          1,
          /^$/,
          /line 1 failed with exit code 1; the rest is left out/,
        ],
        [
          "printf 'show nobody\\nstrat\\nlist -o name' | ush -k",
          1,
          /solo/,
          /did you mean "start"\?/,
        ],
        ["ush -c 'quit; list'", 0, /^$/, /^$/],
        [`ush -c "show 'solo"`, 64, /^$/, /A quote is not closed/],
        ["ush -c dev", 64, /^$/, /run it outside: usher dev/],
        ["usher shell nothere", 64, /^$/, /no such file/],
      ];
      for (const [line, code, out, err] of cases) {
        const ran = await bash(line);
        strictEqual(ran.code, code, `${line}: ${ran.err}`);
        match(ran.out, out, line);
        match(ran.err, err, line);
      }
      // Whoever reads no further ends the script, quietly.
      const cut = await bash(
        "(while echo list; do :; done) | ush | head -1; echo ${PIPESTATUS[1]}",
      );
      match(cut.out, /^NAME .*\n0\n$/);
      strictEqual(cut.err, "");
    },
  );

  await t.step("does all that docs/shell.md shows", async () => {
    const text = await readRepository("docs/shell.md");
    const blocks = [...text.matchAll(/^```sh\n([^]*?)^```$/gm)]
      .map(([, block = ""]) => block.trimEnd().split("\n"));
    strictEqual(blocks.length, 4);
    for (const lines of blocks) {
      const typed = lines.filter((line) => line.startsWith("ush> "))
        .map((line) => line.slice(5));
      if (typed.length > 0) {
        await Deno.writeTextFile(`${site.folder}/doc.ush`, typed.join("\n"));
        const ran = await bash(`ush < ${site.folder}/doc.ush`);
        strictEqual(ran.code, 0, ran.err);
      }
      for (
        const line of lines.filter((it) => /^\$ (ush -|.*\| ush$)/.test(it))
      ) {
        const ran = await bash(line.slice(2));
        strictEqual(ran.code, line.includes("nobody") ? 1 : 0, ran.err);
        match(ran.out, /solo\.default\.admin/, line);
      }
    }
  });
});
