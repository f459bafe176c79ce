/**
 * Backup and restore: a site comes back as its nodes know it, whatever
 * happened after the backup was made.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import {
  BackupEncoder,
  type BackupHead,
} from "../../src/ctrl/backup/format.ts";
import { makeBackup } from "../../src/ctrl/backup/make.ts";
import { restoreBackup } from "../../src/ctrl/backup/restore.ts";
import { checkState } from "../../src/ctrl/state/check.ts";
import type { StateProgress } from "../../src/ctrl/state/progress.ts";
import { openSource } from "../../src/ctrl/state/source.ts";
import { isUsherError } from "../../src/error/mod.ts";
import { CtrlConfig } from "../../src/schema/config.ts";
import { VmSpec } from "../../src/schema/vm.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { newId } from "../../src/sys/id.ts";
import { silentLog } from "../../src/sys/log.ts";
import { TestSite } from "../support/site.ts";
import { until } from "../support/wait.ts";

const context = { clock: systemClock, newId, log: silentLog };

/** What a VM is made of that the backup does not know. */
const NEW = {
  memoryMiB: 300,
  disks: [{ path: "/srv/new.raw", format: "raw" as const }],
  placement: { apartFrom: ["same"] },
};

function options(stateDir: string, path: string) {
  return {
    config: CtrlConfig.parse({ state_dir: stateDir }),
    context,
    version: "1",
    path,
    stateDir,
    force: false,
    signal: new AbortController().signal,
  };
}

async function findings(stateDir: string) {
  await using source = await openSource(options(stateDir, ""));
  return (await checkState(source.mutations())).findings;
}

/** A folder that is removed at the end. */
async function folder(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir({ prefix: "usher_backup_" });
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

Deno.test("restore: what was made, moved, stopped and destroyed since the backup is as the nodes say", async () => {
  await using dir = await folder();
  const stateDir = `${dir.path}/site`;
  const backup = `${dir.path}/b.backup`;
  let revision = 0;
  {
    await using site = await TestSite.start({ nodes: 3, stateDir });
    await site.run("start", ["same", "moved"], { on: "n1" });
    await site.run("start", ["gone", "off"], { on: "n2" });
    await site.run("register", "idle");
    const open = await site.submit("start", "slow", {
      on: "n3",
      spec: { sim: { bootMs: 600_000 } },
    });
    await site.untilOperation(open.outcomes[0]?.operation ?? "", "running");
    const made = await makeBackup(options(`${stateDir}/ctrl`, backup));
    strictEqual(made.isLive, true);
    strictEqual((await Deno.stat(backup)).mode! & 0o777, 0o600);
    await site.run("start", "new", { on: "n3", spec: NEW });
    await site.run("migrate", "moved", { to: "n2" });
    await site.run("destroy", ["gone", "slow"]);
    await site.run("poweroff", "off");
    await site.run("start", "idle", { on: "n3" });
    revision = site.site.controller.site.changes.newest;
  }
  await Deno.rename(`${stateDir}/ctrl`, `${stateDir}/ctrl.old`);
  await restoreBackup(options(`${stateDir}/ctrl`, backup));
  deepStrictEqual(await findings(`${stateDir}/ctrl`), []);

  await using site = await TestSite.start({ nodes: 1, stateDir });
  // The other nodes have not told: nobody knows whether they run it.
  for (const name of ["moved", "gone", "idle"]) {
    strictEqual((await site.vm(name)).status.state, "unknown", name);
    const { outcomes: [outcome] } = await site.run("start", name);
    match(outcome?.problem?.detail ?? "", /restored from a backup/);
  }
  strictEqual((await site.vm("same")).status.state, "running");
  await site.site.startNode("n2");
  await site.untilState("moved", "running");
  strictEqual((await site.vm("moved")).node, "n2");
  strictEqual((await site.vm("gone")).status.state, "unknown");
  await site.site.startNode("n3");
  await site.untilState("off", "stopped");
  await site.untilState("idle", "running");
  const gone = await site.untilState("gone", "crashed");
  match(gone.status.reason, /no node has it since the state was restored/);
  const fresh = await site.untilState("new.default.admin", "running");
  deepStrictEqual([fresh.node, fresh.found], ["n3", false]);
  // Its node tells what it was made of, so that it may be started again.
  const whole = await until("the new VM is whole", async () => {
    const vm = await site.vm("new.default.admin");
    return vm.partial === true ? null : vm;
  });
  const { memoryMiB, disks, placement } = whole.spec;
  deepStrictEqual({ memoryMiB, disks, placement }, {
    memoryMiB: NEW.memoryMiB,
    disks: VmSpec.parse(NEW).disks,
    placement: VmSpec.parse(NEW).placement,
  });
  const { outcomes: [cycled] } = await site.run("cycle", "new");
  strictEqual(cycled?.state, "succeeded", cycled?.problem?.detail);
  strictEqual(
    (await site.run("start", "gone")).outcomes[0]?.state,
    "succeeded",
  );
  deepStrictEqual(await findings(`${stateDir}/ctrl`), []);

  const { records, changes } = site.site.controller.site;
  ok(!changes.reaches(revision) && records.revision > revision);
  ok(records.epoch > 1_000_000, "a later controller than any before");
  const operations = [...records.operations.values()];
  const slow = operations.find(({ vm }) => vm === "slow.default.admin");
  deepStrictEqual([slow?.state, slow?.problem?.code], [
    "failed",
    "interrupted",
  ]);
});

Deno.test("backup: made while the site works at full speed it is sound, each time", async () => {
  await using dir = await folder();
  await using site = await TestSite.start({ nodes: 2 });
  const { state_dir } = site.site.controller.site.config;
  let isOver = false;
  let requests = 0;
  const work = Promise.all(Array.from({ length: 6 }, async (_, i) => {
    while (!isOver) {
      await site.run("start", `w${i}`, { count: 10 });
      await site.run("destroy", `w${i}-*`);
      requests++;
    }
  }));
  for (let i = 0; i < 2; i++) {
    const before = requests;
    await until("the site works", () => requests > before + 2);
    const path = `${dir.path}/${i}.backup`;
    const target = `${dir.path}/restored-${i}`;
    await makeBackup(options(state_dir, path));
    await restoreBackup(options(target, path));
    deepStrictEqual(await findings(target), []);
  }
  isOver = true;
  await work;
});

Deno.test("backup and restore leave nothing half done, and nothing that was there", async () => {
  await using dir = await folder();
  await using site = await TestSite.start({ nodes: 1 });
  const { state_dir } = site.site.controller.site.config;
  await site.run("start", "web", { count: 30 });
  const path = `${dir.path}/b.backup`;
  await Deno.writeTextFile(path, "mine");
  await rejects(
    makeBackup(options(state_dir, path)),
    (error) => isUsherError(error, "already_exists"),
  );
  strictEqual(await Deno.readTextFile(path), "mine");
  await makeBackup({ ...options(state_dir, path), force: true });
  const stop = new AbortController();
  await rejects(makeBackup({
    ...options(state_dir, `${dir.path}/c.backup`),
    signal: AbortSignal.abort("asked to end"),
  }));
  const target = `${dir.path}/target`;
  await Deno.mkdir(target);
  await rejects(
    restoreBackup({ ...options(target, path), signal: stopped(stop) }),
  );
  deepStrictEqual(namesIn(dir.path), ["b.backup", "target"]);
  await Deno.writeTextFile(`${target}/other`, "");
  await rejects(
    restoreBackup(options(target, path)),
    (error) =>
      isUsherError(error, "already_exists") && /other/.test(error.message),
  );
  await Deno.remove(`${target}/other`);
  await restoreBackup(options(target, path));
  deepStrictEqual(namesIn(dir.path), ["b.backup", "target"]);
});

/** A signal that aborts once the file has been read through once. */
function stopped(stop: AbortController): AbortSignal {
  let looks = 0;
  const { throwIfAborted } = stop.signal;
  stop.signal.throwIfAborted = function () {
    if (++looks > 130) stop.abort("asked to end");
    throwIfAborted.call(this);
  };
  return stop.signal;
}

function namesIn(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
}

Deno.test("restore: it tells how much of the file is read, which is done twice", async () => {
  await using dir = await folder();
  const backup = `${dir.path}/b.backup`;
  const encoder = new BackupEncoder();
  const head: BackupHead = {
    ...{ format: "usher-backup", version: 1, usher: "1", epoch: 1 },
    at: "2026-01-01T00:00:00.000Z",
  };
  await Deno.writeFile(backup, encoder.head(head));
  const append = { append: true };
  for (let i = 0; i < 2000; i++) {
    const line = { set: ["probe", i], value: "x".repeat(100) };
    await Deno.writeFile(backup, encoder.line(line), append);
  }
  await Deno.writeFile(backup, encoder.end(), append);
  const told: StateProgress[] = [];
  await restoreBackup({
    ...options(`${dir.path}/ctrl`, backup),
    onProgress: (progress) => told.push(progress),
  });
  const { size } = await Deno.stat(backup);
  ok(told.some(({ records }) => records === 0), "while it is checked");
  strictEqual(told.at(-1)?.records, 2000);
  for (const { done, total } of told) {
    ok(done !== null && done > 0 && done <= 2 * size, `${done}`);
    strictEqual(total, 2 * size);
  }
  ok((told.at(-1)?.done ?? 0) > size);
});

Deno.test("restore: what could not be read twice is refused at once", async () => {
  await using dir = await folder();
  const pipe = `${dir.path}/pipe`;
  await new Deno.Command("mkfifo", { args: [pipe] }).output();
  await rejects(restoreBackup(options(`${dir.path}/ctrl`, pipe)), (error) => {
    ok(isUsherError(error, "invalid_input"));
    match(error.message, /pipe" is no plain file$/);
    return true;
  });
});
