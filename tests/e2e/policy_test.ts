/**
 * The plugins of policy in the compiled executable, as an administrator sets
 * them up: in ctrl.yaml, each in a worker with its grants, asked by the command
 * line.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { EXIT } from "../../src/client/exit.ts";
import { compiledUsher } from "../support/compiled.ts";
import { RolesSite } from "../support/roles_site.ts";
import { until } from "../support/wait.ts";

function configuration(space: string): string {
  return `
plugins:
  users:
    events: [client_authenticate, lnm_authenticate]
    grants: { ctx: [accounts, state] }
  kwargfil:
    events: [request]
    options:
      rules:
        - name: everybody
          limits: { memory: 4GiB }
          defaults: { memory: 128MiB }
  placement:
    events: [start_request, request]
    options:
      shares:
        - { name: everybody, vms: 2 }
    grants: { ctx: [vms] }
  filespace:
    events: [start_request, register, unregister, start_failure, ctrl_start]
    options:
      roots: [${space}]
      reserve: 1MiB
      rules:
        - folder: ${space}/{user}/{cluster}/{vm}
          mode: "0750"
    grants:
      read: [${space}]
      write: [${space}]
      sys: [statfs]
      ctx: [vms, state]
  rebalance:
    events:
      - { event: periodic, period: 1s }
    options: { dry_run: true }
    grants: { ctx: [vms, nodes, requests, state], verbs: [migrate] }
  sample:
    events: [start, sample_event]
    options: { delay: 100ms }
    grants: { ctx: [fire, schedule] }
  sample2:
    events: [start]
    grants: { ctx: [state] }
`;
}

Deno.test("the executable: plugins of policy edit, refuse, make and count, also after the controller was killed", async () => {
  const usher = await compiledUsher();
  const made = await Deno.makeTempDir({ prefix: "usher_policy_" });
  const space = await Deno.realPath(made);
  await using site = await RolesSite.start(usher, "sim", configuration(space));
  const plugins = JSON.parse(await site.usher("plugin", "list", "-o", "json"));
  const running = (plugins as { name: string; state: string }[])
    .filter(({ state }) => state === "running").map(({ name }) => name);
  deepStrictEqual(
    running.sort(),
    [
      ...["filespace", "kwargfil", "placement", "rebalance"],
      ...["sample", "sample2", "users"],
    ],
  );

  await site.usher("vm", "start", "web");
  const vm = JSON.parse(await site.usher("vm", "show", "web", "-o", "json"));
  strictEqual(vm.spec.memoryMiB, 128);
  const folder = `${space}/admin/default/web`;
  strictEqual(((await Deno.stat(folder)).mode ?? 0) & 0o777, 0o750);
  const refused = await site.run(["vm", "start", "db", "--memory", "8GiB"]);
  strictEqual(refused.code, EXIT.denied);
  strictEqual(
    refused.err,
    `error: Plugin "kwargfil" refuses
  why: Memory of 8 GiB is more than rule "everybody" allows
  try: ask for 4 GiB at most
`,
  );

  await site.ctrl.kill();
  await site.startCtrl();
  await until("the node is back", async () => {
    const { out } = await site.run(["node", "list", "-o", "json"]);
    return /"ready"/.test(out);
  }, { deadlineMs: 60_000 });
  await site.usher("vm", "start", "db");
  const beyond = await site.run(["vm", "start", "third"]);
  strictEqual(beyond.code, EXIT.denied);
  match(beyond.err, /passes share "everybody" \(VMs: 2 held, 3 wanted/);
  const lines = async (plugin: string) =>
    await site.usher("plugin", "logs", plugin);
  await until(
    "sample2 has counted on",
    async () => /the 2nd start/.test(await lines("sample2")),
  );
  await until(
    "sample's own event has come",
    async () => /hello again, after start/.test(await lines("sample")),
  );
  await site.usher("vm", "destroy", "web", "db");
  await until(
    "the space is gone",
    () => [...Deno.readDirSync(`${space}/admin/default`)].length === 0,
  );
  await Deno.remove(space, { recursive: true });
});
