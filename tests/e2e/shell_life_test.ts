/**
 * What becomes of ush while it runs: stopped and brought back, cut off and
 * connected again, set otherwise, configured by its own file.
 *
 * @module
 */
import { match, strictEqual } from "node:assert/strict";
import { CompiledSite } from "../support/compiled_site.ts";
import { linkUsh, Ush } from "../support/ush.ts";

Deno.test("the life of ush on a terminal", async (t) => {
  await using site = await CompiledSite.start({ nodes: 1 });
  strictEqual((await site.run("vm", "start", "solo")).code, 0);
  const env = await linkUsh(site);

  await t.step("Ctrl-Z stops it, and fg brings back the line", async () => {
    const shell = "env PS1=bash-ready:: bash --norc --noprofile -i";
    await using ush = new Ush(site, env, 80, shell);
    const { pty } = ush;
    await pty.untilShown(/bash-ready::/);
    await pty.type("ush\r");
    await ush.untilConnected();
    await pty.type("show so");
    await ush.untilLine("ush> show so");
    await pty.type("\x1a");
    await pty.untilShown(/Stopped +ush[^]*bash-ready::/);
    // The terminal is bash's again: it echoes, and a line ends at Return.
    await pty.type("echo back-$((40 + 2))\r");
    await pty.untilShown(/[\n\r]back-42\r?\n/);
    await pty.type("fg\r");
    await ush.untilLine("ush> show so");
    await pty.type("lo -o name\r");
    await pty.untilShown(/[\nl]solo\.default\.admin\r?$/m);
    await ush.untilLine("ush>");
    // A command that waits is stopped with it, and goes on with it.
    await pty.type("start slow --sim bootMs=10m\r");
    await pty.untilShown(/slow\.default\.admin\S* +start on n1/);
    await pty.type("\x1a");
    await pty.untilShown(/(?:Stopped +ush[^]*){2}bash-ready::$/);
    await pty.type("fg\r");
    await pty.untilShown(/(?:bash-ready::fg[^]*){2}/);
    strictEqual((await site.run("vm", "destroy", "slow")).code, 0);
    await ush.untilLine("ush>");
    await pty.type("\x04");
    await pty.untilShown(/(?:bash-ready::fg[^]*){2}bash-ready::$/);
    await pty.type("exit\r");
    strictEqual(await pty.ended(), 0);
  });

  await t.step(
    "disconnect leaves the controller, reconnect and connect come back",
    async () => {
      await using ush = new Ush(site, env);
      const { pty } = ush;
      await ush.untilConnected();
      await pty.type("disconnect\r");
      await pty.untilShown(/disconnected\r?\n/);
      await pty.type("list -o name\r");
      await pty.untilShown(
        /disconnect ended the connection[^]*connect opens it again/,
      );
      // Nothing is told of what happens meanwhile.
      strictEqual((await site.run("vm", "pause", "solo")).code, 0);
      await pty.type("reconnect\r");
      await pty.untilShown(/connected to https\S+ as admin \(admin\)/);
      await pty.type("list -o name\r");
      await pty.untilShown(/[\nl]solo\.default\.admin\r?$/m);
      strictEqual(/solo\S* paused/.test(pty.printed), false);
      strictEqual((await site.run("vm", "resume", "solo")).code, 0);
      await pty.untilShown(/-- \S+ solo\.default\.admin running/);
      await pty.type("reconnect\r");
      await ush.untilLine("ush>");
      await ush.quit();
    },
  );

  await t.step("set details shows all that is known of an error", async () => {
    await using ush = new Ush(site, env);
    const { pty } = ush;
    await ush.untilConnected();
    await pty.type("show nobody\r");
    await pty.untilShown(/There is no VM "nobody"/);
    await ush.untilLine("ush>");
    strictEqual(pty.printed.includes("code not_found"), false);
    await pty.type("set details on\rshow nobody\r");
    await pty.untilShown(/all: code not_found, retry no/);
    await ush.untilLine("ush>");
    const seen = pty.printed.length;
    await pty.type("set details off\rshow nobody\r");
    await pty.untilShown(/set details off[^]*There is no VM "nobody"[^]*ush> /);
    await ush.untilLine("ush>");
    strictEqual(pty.printed.slice(seen).includes("code not_found"), false);
    await ush.quit();
  });

  await t.step(
    "completes clusters, and accounts that it asks for once",
    async () => {
      await using ush = new Ush(site, env);
      const { pty } = ush;
      await ush.untilConnected();
      await pty.type("cluster show de\t");
      await ush.untilLine("ush> cluster show default.admin");
      await pty.type("\x15user show ad\t");
      await ush.untilLine("ush> user show admin");
      await pty.type("\x15set no\tno\t");
      await ush.untilLine("ush> set notify none");
      await pty.type("\x15");
      await ush.quit();
    },
  );

  await t.step(
    "ush.yaml is its own, and --controller goes with it",
    async () => {
      await Deno.writeTextFile(
        `${site.folder}/ush.yaml`,
        "details: true\nhist_len: 2\ncli: { output: name }\n",
      );
      const own = { ...env, USH_CONFIG: `${site.folder}/ush.yaml` };
      await using ush = new Ush(site, own);
      const { pty } = ush;
      await ush.untilConnected();
      await pty.type("list\r");
      await pty.untilShown(/[\nl]solo\.default\.admin\r?$/m);
      await pty.type("show nobody\r");
      await pty.untilShown(/all: code not_found/);
      await ush.untilLine("ush>");
      await pty.type("history\r");
      await pty.untilShown(/1 {2}show nobody\r?\n2 {2}history/);
      await ush.quit();
      const { code, err } = await site.bash(
        "ush --controller https://127.0.0.1:1 -c list",
        own,
      );
      strictEqual(code, 4, err);
      match(err, /Not logged in at https:\/\/127\.0\.0\.1:1/);
      await Deno.writeTextFile(`${site.folder}/ush.yaml`, "detail: true\n");
      const wrong = await site.bash("ush -c list", own);
      strictEqual(wrong.code, 64);
      match(wrong.err, /ush\.yaml:1:1: [^]*did you mean "details"/);
    },
  );
});
