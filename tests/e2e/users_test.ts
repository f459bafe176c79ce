/**
 * Passwords on a real terminal: nothing of them is shown, and the terminal shows
 * again what is typed, however the question ends.
 *
 * @module
 */
import { match, ok, strictEqual } from "node:assert/strict";
import { CompiledSite } from "../support/compiled_site.ts";
import { Pty } from "../support/pty.ts";

/** Runs a command of usher behind its own pid, then says how the terminal is set. */
function onTerminal(command: string, site: CompiledSite): Pty {
  const usher = `sh -c "echo pid \\$\\$; exec usher ${command}"`;
  return new Pty(`bash --norc -c '${usher}; echo code $?; stty -a'`, site.env);
}

Deno.test("a password is asked for without echo, and the terminal is put back", async (t) => {
  await using site = await CompiledSite.start({ nodes: 1 });
  await t.step("it is typed twice and shown never", async () => {
    await using pty = onTerminal("user create ann", site);
    await pty.untilShown(/new password of ann: /);
    await pty.type("correct horse\r");
    await pty.untilShown(/the same again: /);
    await pty.type("correct horse\r");
    await pty.untilShown(/code 0[^]* echo /);
    ok(!pty.printed.includes("horse"), pty.printed);
    strictEqual(await pty.ended(), 0);
  });
  await t.step("Ctrl-C leaves, and nothing is made", async () => {
    await using pty = onTerminal("user create bob", site);
    await pty.untilShown(/new password of bob: /);
    await pty.type("corr\x03");
    await pty.untilShown(/code 130[^]* echo /);
    await pty.ended();
  });
  await t.step("so does a signal from elsewhere", async () => {
    await using pty = onTerminal("user create bob", site);
    await pty.untilShown(/new password of bob: /);
    const [, pid = ""] = /pid (\d+)/.exec(pty.printed) ?? [];
    Deno.kill(Number(pid), "SIGTERM");
    await pty.untilShown(/code 130[^]* echo /);
    await pty.ended();
  });
  const { out } = await site.run("user", "list", "-o", "name");
  match(out, /^admin\nann\n$/);
});
