/**
 * Who gets in while the process that checks it is killed: whoever is in stays
 * in, and whoever comes is let in by the next one.
 *
 * @module
 */
import { notStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { NodeView } from "../../src/schema/change.ts";
import type { PluginView } from "../../src/schema/plugin.ts";
import { CompiledSite } from "../support/compiled_site.ts";
import { until } from "../support/wait.ts";

async function users(site: CompiledSite): Promise<PluginView> {
  const { out } = await site.run("plugin", "show", "users", "-o", "json");
  return JSON.parse(out) as PluginView;
}

async function node(site: CompiledSite): Promise<NodeView> {
  const { out } = await site.run("node", "show", "n1", "-o", "json");
  return JSON.parse(out) as NodeView;
}

Deno.test("the process that checks who gets in is killed: nodes stay, and logins go on with the next", async () => {
  await using site = await CompiledSite.start({ nodes: 1 });
  const before = await node(site);
  const { pid } = await users(site);
  ok(pid !== null, "users runs in a process of its own");
  const { out: whoami } = await site.run("whoami", "-o", "json");
  const { controller } = JSON.parse(whoami) as { controller: string };
  const login = () =>
    site.bash(
      `usher login ${controller} --ca ${site.folder}/ca.pem --user admin --password-stdin < ${site.folder}/admin-password`,
      { USHERCLI_CONFIG: "" },
    );
  const first = await login();
  strictEqual(first.code, 0, first.err);
  Deno.kill(pid, "SIGKILL");
  const again = await until("another has taken its place", async () => {
    const now = await users(site);
    return now.pid !== null && now.pid !== pid ? now : null;
  }, { deadlineMs: 20_000 });
  notStrictEqual(again.pid, pid);
  await until("somebody logs in", async () => (await login()).code === 0, {
    deadlineMs: 20_000,
  });
  const after = await node(site);
  strictEqual(after.state, "ready");
  strictEqual(after.since, before.since, "its session went on all along");
});
