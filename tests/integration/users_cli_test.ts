/**
 * Accounts, sessions and API tokens at the command line: two users are let in,
 * and each step of their lives is told as it is.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { EXIT } from "../../src/client/exit.ts";
import type { TestSite } from "../support/site.ts";
import { type Shell, withShell } from "../support/site_shell.ts";

function folderOf(site: TestSite): string {
  return site.site.cliConfig.replace(/\/[^/]*$/, "");
}

/** Another home, in which a user logs in. */
async function loggedIn(
  { site, run }: Shell,
  user: string,
  password: string,
): Promise<{ env: Record<string, string>; code: number; err: string }> {
  const home = `${folderOf(site)}/home-${user}`;
  await Deno.mkdir(home, { recursive: true });
  const env = { HOME: home, USHERCLI_CONFIG: "" };
  await Deno.writeTextFile(`${home}/ca.pem`, site.site.controller.site.ca.pem);
  const line =
    `login ${site.site.url} --user ${user} --password-stdin --ca ${home}/ca.pem`;
  const { code, err } = await run(line, { env, input: `${password}\n` });
  return { env, code, err };
}

Deno.test("two users are let in, changed and removed", () =>
  withShell(1, async (shell) => {
    const { run } = shell;
    const made = await run("user create ann --password-stdin", {
      input: "correct horse\n",
    });
    deepStrictEqual(
      [made.code, made.err],
      [EXIT.done, "made account ann (user)\n"],
    );
    const typed = await run("user create bob --role viewer", {
      terminal: true,
      input: "battery staple\rbattery staple\r",
    });
    strictEqual(typed.code, EXIT.done, typed.err);
    const differ = await run("user create eve", {
      terminal: true,
      input: "battery staple\rbattery stable\r",
    });
    strictEqual(differ.code, EXIT.usage);
    match(differ.err, /The two passwords differ/);
    const short = await run("user create eve --password-stdin", {
      input: "short\n",
    });
    match(short.err, /must have 10 characters at least/);

    const ann = await loggedIn(shell, "ann", "correct horse");
    strictEqual(ann.code, EXIT.done, ann.err);
    strictEqual((await run("vm start web", ann)).code, EXIT.done);
    strictEqual((await run("user list", ann)).code, EXIT.denied);
    match((await run("user show", ann)).out, /^name +ann\nrole +user\n/);
    strictEqual((await run("user show bob", ann)).code, EXIT.failed);

    await run("cluster create lab");
    await run("cluster share lab --user ann --control");
    const refused = await run("user delete ann");
    strictEqual(refused.code, EXIT.conflict, refused.err);
    match(refused.err, /owns 1 VM\n/);
    match(refused.err, /usher vm destroy '\*\.\*\.ann'/);
    strictEqual((await run(["vm", "destroy", "*.*.ann"])).code, EXIT.done);
    strictEqual((await run("user delete ann")).code, EXIT.done);
    // Nothing of hers is left for another of the same name.
    const clusters = await run("cluster list -o name");
    strictEqual(clusters.out, "lab.admin\n");
    const lab = JSON.parse((await run("cluster show lab -o json")).out);
    deepStrictEqual(lab.shares, []);
    const gone = await run("whoami", ann);
    match(gone.err, /has ended or never was/);
    const list = await run("user list --no-header --columns name,role");
    match(list.out, /^admin +admin *\nbob +viewer *\n$/);
  }));

Deno.test("the last administrator stays, and it is said why", () =>
  withShell(1, async ({ run }) => {
    for (
      const line of [
        "user set-role admin user",
        "user disable admin",
        "user delete admin",
      ]
    ) {
      const { code, err } = await run(line);
      strictEqual(code, EXIT.conflict, line);
      match(err, /it is the last administrator that can log in/);
      match(err, /usher user set-role NAME admin/);
    }
    const unknown = await run("user set-role admin boss");
    strictEqual(unknown.code, EXIT.usage);
    match(unknown.err, /roles: admin, user, viewer/);
  }));

Deno.test("a user changes their own password with the old one, and is alone then", () =>
  withShell(1, async (shell) => {
    const { run } = shell;
    await run("user create ann --password-stdin", { input: "correct horse\n" });
    const other = await loggedIn(shell, "ann", "correct horse");
    const { env } = await loggedIn(shell, "ann", "correct horse");
    const wrong = await run("user passwd --password-stdin", {
      env,
      input: "not that one\nbattery staple\n",
    });
    strictEqual(wrong.code, EXIT.denied);
    match(wrong.err, /The old password of "ann" is wrong/);
    const changed = await run("user passwd", {
      env,
      terminal: true,
      input: "correct horse\rbattery staple\rbattery staple\r",
    });
    strictEqual(changed.code, EXIT.done, changed.err);
    const sessions = await run("session list -o ndjson", { env });
    strictEqual(sessions.out.trim().split("\n").length, 1);
    strictEqual(JSON.parse(sessions.out).current, true);
    strictEqual((await loggedIn(shell, "ann", "correct horse")).code, 4);
    strictEqual(other.code, EXIT.done);
    // An administrator needs no old one, and leaves nobody in.
    const reset = await run("user passwd ann --password-stdin", {
      input: "tower of babel\n",
    });
    strictEqual(reset.code, EXIT.done, reset.err);
    strictEqual((await run("whoami", { env })).code, EXIT.denied);
    const { out: noted } = await run("audit list -o json");
    match(noted, /setPassword/);
    for (const secret of ["correct", "battery", "babel", "not that one"]) {
      strictEqual(noted.includes(secret), false, `${secret} was noted`);
    }
  }));

Deno.test("a password or a token on the command line is refused, and it is said where it belongs", () =>
  withShell(1, async ({ run }) => {
    for (
      const line of [
        "user create ann --password secret",
        "user passwd --password=secret",
        "login https://x:1 --password secret",
      ]
    ) {
      const { code, err } = await run(line);
      strictEqual(code, EXIT.usage);
      match(err, /everybody on this machine can read it there/);
      match(err, /--password-file FILE or --password-stdin/);
    }
    const token = await run("login https://x:1 --token secret");
    match(token.err, /--token-file FILE, or set USHER_TOKEN/);
  }));

Deno.test("a token does what it is for, and nothing once it is revoked", () =>
  withShell(1, async (shell) => {
    const { run, site } = shell;
    await run("user create ann --password-stdin", { input: "correct horse\n" });
    const { env } = await loggedIn(shell, "ann", "correct horse");
    await run("vm start web web.lab", { env });
    const made = await run(
      "token create ci --verb pause --cluster lab",
      { env },
    );
    const ci = { env: { ...env, USHER_TOKEN: made.out.trim() } };
    match((await run("whoami", ci)).out, /^token +ci\nfor +pause on \*\.lab$/m);
    strictEqual((await run("vm list -o name", ci)).out, "web.lab.ann\n");
    strictEqual((await run("vm pause web.lab", ci)).code, EXIT.done);
    const verb = await run("vm resume web.lab", ci);
    strictEqual(verb.code, EXIT.denied);
    match(verb.err, /API token "ci" is not for "resume"/);
    strictEqual((await run("vm pause web.default", ci)).code, EXIT.failed);
    const more = await run("token create more", ci);
    match(more.err, /cannot be done with an API token/);
    const logout = await run("logout", ci);
    match(logout.err, /an API token is not logged out/);

    const listed = JSON.parse(
      (await run("token list -o json", { env })).out,
    );
    strictEqual(typeof listed[0].lastUsedAt, "string");
    strictEqual("hash" in listed[0], false);
    strictEqual((await run("token revoke ci", { env })).code, EXIT.done);
    match((await run("whoami", ci)).err, /has ended or never was/);

    // Kept by a login; a logout forgets it here, and says that it is still good.
    const kept = await run("token create kept --read --ttl never", { env });
    const file = `${folderOf(site)}/kept.token`;
    await Deno.writeTextFile(file, kept.out);
    const bot = { env: { ...env, HOME: `${folderOf(site)}/home-bot` } };
    const login = await run(
      `login ${site.site.url} --token-file ${file} --ca ${env["HOME"]}/ca.pem`,
      bot,
    );
    strictEqual(login.code, EXIT.done, login.err);
    match((await run("whoami", bot)).out, /^token ends +never$/m);
    strictEqual((await run("vm pause web", bot)).code, EXIT.denied);
    match((await run("logout", bot)).err, /good until it is revoked/);
  }));

Deno.test("a session is ended by its user, or by an administrator", () =>
  withShell(1, async (shell) => {
    const { run } = shell;
    await run("user create ann --password-stdin", { input: "correct horse\n" });
    const { env } = await loggedIn(shell, "ann", "correct horse");
    const listed = await run("session list --user ann -o ndjson");
    const { id, address } = JSON.parse(listed.out);
    strictEqual(address, "127.0.0.1");
    const own = await run("session list -o name", { env });
    strictEqual(own.out.trim(), id);
    strictEqual((await run("session end", { env })).code, EXIT.usage);
    const ended = await run("session end --user ann");
    strictEqual(ended.err, `ended ${id} of ann\n`);
    match((await run("whoami", { env })).err, /has ended or never was/);
  }));

Deno.test("names of users, API tokens and sessions are completed", () =>
  withShell(1, async ({ run, site }) => {
    const { accounts } = site.site.controller.site;
    await accounts.create("bob", "viewer", "a password");
    await run("token create nightly --read");
    await run("cluster create web");
    const offers = async (line: string) =>
      (await run(`__complete ${line}`.split(" "))).out.split("\n")
        .filter((text) => text !== "");
    deepStrictEqual(await offers("user show b"), ["bob\tviewer"]);
    deepStrictEqual(await offers("token list --user b"), ["bob\tviewer"]);
    deepStrictEqual(await offers("token revoke "), ["nightly\tof admin"]);
    deepStrictEqual(await offers("quota set b"), ["bob\tviewer"]);
    deepStrictEqual(await offers("quota set w"), ["web.admin\t0 VMs"]);
    deepStrictEqual(await offers("user set-role bob v"), ["viewer\t"]);
    deepStrictEqual(await offers("token create x --verb sh"), ["shutdown\t"]);
    deepStrictEqual((await offers("session end ")).length > 0, true);
  }));
