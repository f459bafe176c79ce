/**
 * Controller and LNM killed in the middle of everything: what was accepted
 * comes to its end, once.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { VmView } from "../../src/schema/change.ts";
import type { Result } from "../../src/schema/operation.ts";
import { CtrlProcess, lnmArgv } from "../support/ctrl_process.ts";
import { Role } from "../support/role.ts";
import { until } from "../support/wait.ts";

const SLOW = { deadlineMs: 240_000, everyMs: 100 };

/** A controller and a node, each a process, and requests for it. */
class Site implements AsyncDisposable {
  readonly folder: string;
  readonly ctrl: CtrlProcess;
  lnm: Role;

  private constructor(folder: string, ctrl: CtrlProcess, lnm: Role) {
    this.folder = folder;
    this.ctrl = ctrl;
    this.lnm = lnm;
  }

  static async start(): Promise<Site> {
    const folder = await Deno.makeTempDir({ prefix: "usher_killed_" });
    const ctrl = await CtrlProcess.start(`${folder}/ctrl`);
    const { token } = await ctrl.call<{ token: string }>(
      "POST",
      "/v1/node-tokens",
      { node: "n1" },
    );
    const lnm = await Role.ready([...lnmArgv(folder, "n1"), "--join", token]);
    return new Site(folder, ctrl, lnm);
  }

  /** Ten VMs that take so long to start; the request's id is its name. */
  start(name: string, bootMs: number): Promise<Result> {
    return this.ctrl.call<Result>("POST", "/v1/requests", {
      id: `request-${name}`,
      verb: "start",
      names: [name],
      count: 10,
      spec: { memoryMiB: 16, sim: { bootMs } },
    });
  }

  result(name: string): Promise<Result> {
    return this.ctrl.call<Result>("GET", `/v1/requests/request-${name}`);
  }

  async killCtrl(): Promise<void> {
    await this.ctrl.role.kill();
    await this.ctrl.again();
  }

  async killLnm(): Promise<void> {
    await this.lnm.kill();
    this.lnm = await Role.ready(lnmArgv(this.folder, "n1"));
  }

  /** Waits until all of a request has ended; answers how each did. */
  async ends(name: string): Promise<Result> {
    return await until(`all of ${name} has ended`, async () => {
      const result = await this.result(name);
      return result.done ? result : null;
    }, SLOW);
  }

  async vms(): Promise<VmView[]> {
    return (await this.ctrl.call<{ vms: VmView[] }>("GET", "/v1/vms")).vms;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lnm.kill();
    await this.ctrl[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Every VM runs, once, as the operation that started it says, and none is held. */
async function assertAllRunOnce(
  site: Site,
  names: readonly string[],
  accepted: readonly Result[],
): Promise<void> {
  for (const [i, name] of names.entries()) {
    const { outcomes } = await site.ends(name);
    deepStrictEqual(
      outcomes.map(({ state, problem }) => [state, problem]),
      Array(10).fill(["succeeded", null]),
    );
    deepStrictEqual(
      outcomes.map(({ operation }) => operation),
      accepted[i]?.outcomes.map(({ operation }) => operation),
      "the operations are those that were promised",
    );
  }
  const started = new Set(
    accepted.flatMap(({ outcomes }) =>
      outcomes.map(({ operation }) => operation)
    ),
  );
  const vms = await site.vms();
  strictEqual(vms.length, names.length * 10);
  for (const { name, status, holder } of vms) {
    deepStrictEqual([name, status.state, holder], [name, "running", null]);
    strictEqual(started.delete(status.incarnation), true, name);
  }
}

const NAMES = ["a", "b", "c", "d", "e"];

Deno.test("a controller killed again and again in the middle of 50 starts: every one ends, once", async () => {
  await using site = await Site.start();
  const accepted: Result[] = [];
  for (const [i, name] of NAMES.entries()) {
    accepted.push(await site.start(name, i * 400));
  }
  // At once: between what is durable and what the nodes were told.
  await site.killCtrl();
  // While some have started and some have not.
  await until(
    "some have started",
    async () =>
      (await site.result("b")).outcomes.some(({ state }) =>
        state === "succeeded"
      ),
    SLOW,
  );
  await site.killCtrl();
  // A client that got no answer asks again, and gets the same operations.
  for (const [i, name] of NAMES.entries()) {
    const again = await site.start(name, i * 400);
    deepStrictEqual(
      again.outcomes.map(({ operation }) => operation),
      accepted[i]?.outcomes.map(({ operation }) => operation),
    );
  }
  await site.killCtrl();
  await assertAllRunOnce(site, NAMES, accepted);
});

Deno.test("an LNM killed in the middle of 50 starts, and both at once: every one ends, once", async () => {
  await using site = await Site.start();
  const accepted: Result[] = [];
  for (const [i, name] of NAMES.entries()) {
    accepted.push(await site.start(name, i * 400));
  }
  await until(
    "some have started",
    async () =>
      (await site.result("b")).outcomes.some(({ state }) =>
        state === "succeeded"
      ),
    SLOW,
  );
  await site.killLnm();
  await Promise.all([site.ctrl.role.kill(), site.lnm.kill()]);
  await site.ctrl.again();
  site.lnm = await Role.ready(lnmArgv(site.folder, "n1"));
  await assertAllRunOnce(site, NAMES, accepted);
});

Deno.test("a controller killed while VMs are cycled: each has one new run", async () => {
  await using site = await Site.start();
  const accepted = await site.start("a", 0);
  await assertAllRunOnce(site, ["a"], [accepted]);
  const cycled = await site.ctrl.call<Result>("POST", "/v1/requests", {
    id: "request-cycle",
    verb: "cycle",
    names: ["a-*"],
  });
  await site.killCtrl();
  await site.killLnm();
  const { outcomes } = await site.ends("cycle");
  deepStrictEqual(
    outcomes.map(({ state }) => state),
    Array(10).fill("succeeded"),
  );
  const runs = (await site.vms()).map(({ status }) => [
    status.state,
    status.incarnation,
  ]);
  deepStrictEqual(
    runs.toSorted(),
    cycled.outcomes.map(({ operation }) => ["running", operation]).toSorted(),
  );
});
