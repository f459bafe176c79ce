import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import {
  FakeGroups,
  type FakeGroupsOptions,
  SERVICE,
} from "../../../tests/support/fake_groups.ts";
import { HostGroups } from "./host_groups.ts";

const LIMITS = [{ memory: 100, cpu: 1 }, { memory: 50, cpu: 0.5 }];

function opened(options: FakeGroupsOptions = {}) {
  const files = new FakeGroups(options);
  const groups = HostGroups.open(1, files);
  ok(groups instanceof HostGroups, JSON.stringify(groups));
  return { files, groups };
}

function whyNot(files: FakeGroups): string {
  const groups = HostGroups.open(1, files);
  ok(!(groups instanceof HostGroups));
  return groups.why;
}

Deno.test("the controller moves into a leaf, and each process of plugins has a group with its limits together", () => {
  const { files, groups } = opened();
  strictEqual(files.of(1), `${SERVICE}/controller`);
  deepStrictEqual(groups.controllers, ["memory", "cpu", "pids"]);
  files.fork(7, 1);
  ok(groups.enclose(7, LIMITS));
  strictEqual(files.of(7), `${SERVICE}/plugin-7`);
  const has = (file: string) => files.read(`${SERVICE}/plugin-7/${file}`);
  strictEqual(has("memory.max"), `${(150 + 32) * 2 ** 20}`);
  strictEqual(has("memory.swap.max"), "0");
  strictEqual(has("memory.oom.group"), "1");
  strictEqual(has("cpu.max"), "150000 100000");
  strictEqual(has("cpu.max.burst"), "150000");
  strictEqual(has("pids.max"), "512");
});

Deno.test("limits follow the plugins that a process has, and who keeps a processor busy gets what others leave", () => {
  const { files, groups } = opened();
  files.fork(7, 1);
  const group = groups.enclose(7, LIMITS);
  const has = (file: string) => files.read(`${SERVICE}/plugin-7/${file}`);
  strictEqual(has("cpu.weight"), "100");
  strictEqual(files.read(`${SERVICE}/controller/cpu.weight`), "1000");
  group?.yieldToOthers(true);
  group?.limit(LIMITS.slice(1));
  strictEqual(has("memory.max"), `${(50 + 32) * 2 ** 20}`);
  strictEqual(has("cpu.max"), "50000 100000");
  strictEqual(has("cpu.weight"), "10");
  strictEqual(has("cpu.idle"), "1");
  group?.yieldToOthers(false);
  strictEqual(has("cpu.weight"), "100");
  strictEqual(has("cpu.idle"), "0");
});

Deno.test("a process that the kernel has ended is told of with its limit, and one that ended otherwise is not", () => {
  const { files, groups } = opened();
  files.fork(7, 1);
  const group = groups.enclose(7, LIMITS);
  const events = `${SERVICE}/plugin-7/memory.events`;
  files.files.set(events, "low 0\nmax 12\noom 0\noom_kill 0\n");
  strictEqual(group?.endedBy, null);
  files.files.set(events, "low 0\nmax 12\noom 1\noom_kill 3\n");
  match(group?.endedBy ?? "", /more than 150 MiB of memory, its limit$/);
});

Deno.test("with a process goes all that it has started, and its group, as soon as the kernel lets it", async () => {
  const { files, groups } = opened();
  const clock = new FakeClock();
  files.fork(7, 1);
  const group = groups.enclose(7, LIMITS);
  files.fork(8, 7);
  files.exit(7);
  group?.end(clock);
  strictEqual(files.of(8), "");
  deepStrictEqual(files.groups(SERVICE), ["controller"]);

  // Where a kernel has no cgroup.kill, what is left of it is waited for.
  const older = opened({ without: "cgroup.kill" });
  older.files.fork(7, 1);
  const its = older.groups.enclose(7, LIMITS);
  older.files.fork(8, 7);
  older.files.exit(7);
  its?.end(clock);
  deepStrictEqual(older.files.groups(SERVICE), ["controller", "plugin-7"]);
  older.files.exit(8);
  await clock.advance(200);
  deepStrictEqual(older.files.groups(SERVICE), ["controller"]);
  strictEqual(clock.sleeping, 0);
});

Deno.test("a process that has ended already has no group, and leaves none", () => {
  const { files, groups } = opened();
  strictEqual(groups.enclose(99, LIMITS), null);
  deepStrictEqual(files.groups(SERVICE), ["controller"]);
});

Deno.test("what a controller that was killed left is removed, and what lives in it is not touched", () => {
  const files = new FakeGroups();
  for (const name of ["plugin-5", "plugin-6", "mine"]) {
    files.make(`${SERVICE}/${name}`);
  }
  files.fork(6, 1);
  files.write(`${SERVICE}/plugin-6/cgroup.procs`, "6");
  ok(HostGroups.open(1, files) instanceof HostGroups);
  deepStrictEqual(files.groups(SERVICE), ["plugin-6", "mine", "controller"]);
});

Deno.test("what is not delegated whole is kept by the kernel as far as it goes", () => {
  for (
    const options of [{ controllers: ["memory", "io"] }, {
      bound: ["cpu", "pids"],
    }]
  ) {
    const { files, groups } = opened(options);
    deepStrictEqual(groups.controllers, ["memory"]);
    files.fork(7, 1);
    const group = groups.enclose(7, LIMITS);
    group?.yieldToOthers(true);
    strictEqual(files.of(7), `${SERVICE}/plugin-7`);
    strictEqual(files.read(`${SERVICE}/plugin-7/cpu.max`), null);
  }
});

Deno.test("a group that is not the controller's alone is left as it is, and why is said", () => {
  const shared = new FakeGroups();
  shared.fork(2, 1);
  match(whyNot(shared), /^other processes are in its group "\/groups/);
  strictEqual(shared.of(1), SERVICE);

  match(whyNot(new FakeGroups({ controllers: ["io"] })), /none of the contr/);

  const root = new FakeGroups();
  root.files.delete(`${SERVICE}/cgroup.type`);
  match(whyNot(root), /root group of the machine/);

  const threaded = new FakeGroups();
  threaded.files.set(`${SERVICE}/cgroup.type`, "threaded\n");
  match(whyNot(threaded), /is threaded$/);

  match(whyNot(new FakeGroups({ isReadOnly: true })), /Read-only file system/);
});

Deno.test("where No controller can be handed on, the controller goes back to where it was", () => {
  const files = new FakeGroups({ bound: ["memory", "cpu", "pids"] });
  match(whyNot(files), /No controller can be handed on/);
  strictEqual(files.of(1), SERVICE);
  deepStrictEqual(files.groups(SERVICE), []);
});
