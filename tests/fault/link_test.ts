/**
 * The link between controller and node, cut and stalled in the middle of
 * things: nothing is done twice, nothing is forgotten.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type Act, Acts } from "../../src/lnm/acts.ts";
import type { DriverSet } from "../../src/lnm/driver_set.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { runLnm } from "../../src/lnm/lnm.ts";
import { LnmConfig } from "../../src/schema/config.ts";
import { encodeJoinToken } from "../../src/schema/join_token.ts";
import { VmSpec } from "../../src/schema/vm.ts";
import { silentLog } from "../../src/sys/log.ts";
import { Proxy } from "../support/proxy.ts";
import { TestSite } from "../support/site.ts";
import { until } from "../support/wait.ts";

/** A site whose one node dials through a proxy. */
class ProxiedSite implements AsyncDisposable {
  readonly site: TestSite;
  readonly proxy: Proxy;
  readonly #abort = new AbortController();
  readonly #lnm: Promise<void>;
  readonly #folder: string;

  private constructor(
    site: TestSite,
    proxy: Proxy,
    folder: string,
    join: string,
  ) {
    this.site = site;
    this.proxy = proxy;
    this.#folder = folder;
    const config = LnmConfig.parse({
      name: "n1",
      state_dir: `${folder}/state`,
      run_dir: `${folder}/run`,
      drivers: { sim: { enabled: true }, qemu: { enabled: false } },
      usage_interval: "50ms",
      capacity: { cpus: 64, memory: "64GiB" },
    });
    this.#lnm = runLnm(
      { config, join, version: "0", log: silentLog },
      this.#abort.signal,
    );
  }

  static async start(lease: string): Promise<ProxiedSite> {
    const site = await TestSite.start({
      nodes: 0,
      ctrl: { node_lease: lease },
    });
    const { nodes, ca, nodesUrl } = site.site.controller.site;
    const proxy = new Proxy(Number(new URL(nodesUrl).port));
    const { secret } = await nodes.newToken("n1", 60_000);
    const url = `https://127.0.0.1:${proxy.port}`;
    const join = encodeJoinToken({ url, ca: ca.pem, secret });
    const folder = await Deno.makeTempDir({ prefix: "usher_link_" });
    const proxied = new ProxiedSite(site, proxy, folder, join);
    await proxied.untilReady();
    return proxied;
  }

  async untilReady(): Promise<void> {
    await until("the node is ready", async () => {
      const { status, body } = await this.site.call<{ state: string }>(
        "GET",
        "/v1/nodes/n1",
      );
      return status === 200 && body.state === "ready";
    }, { deadlineMs: 60_000 });
  }

  /** Waits until an operation has ended well, and its VM runs by it. */
  async startedBy(name: string, id: string): Promise<void> {
    const operation = await until(`start ${id} has ended`, async () => {
      const operation = await this.site.operation(id);
      return operation.endedAt === null ? null : operation;
    }, { deadlineMs: 120_000 });
    deepStrictEqual([operation.state, operation.problem], ["succeeded", null]);
    const { status } = await this.site.vm(name);
    deepStrictEqual([status.state, status.incarnation], ["running", id]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort("the test is over");
    await this.#lnm;
    await this.site[Symbol.asyncDispose]();
    await this.proxy[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

async function slowStart(site: TestSite, bootMs: number): Promise<string> {
  const { outcomes } = await site.submit("start", "web", {
    spec: { sim: { bootMs } },
  });
  const id = outcomes[0]?.operation ?? "";
  await until(
    "the node works on it",
    async () => (await site.vm("web")).status.state !== "absent",
  );
  return id;
}

Deno.test("link cut in the middle of an act: the session resumes, and its answer comes", async () => {
  await using proxied = await ProxiedSite.start("30s");
  const { site, proxy } = proxied;
  const id = await slowStart(site, 1500);
  const before = proxy.accepted;
  proxy.cut();
  await until("the node dials again", () => proxy.accepted > before);
  await proxied.startedBy("web", id);
  strictEqual(
    (await site.operation(id)).trail.length,
    1,
    "nothing was retried",
  );
});

Deno.test("link half open, with no byte flowing: both ends notice, and a new session goes on", async () => {
  await using proxied = await ProxiedSite.start("5s");
  const { site, proxy } = proxied;
  const id = await slowStart(site, 1500);
  const before = proxy.accepted;
  proxy.stall();
  await until("the node dials again", () => proxy.accepted > before, {
    deadlineMs: 60_000,
  });
  await proxied.startedBy("web", id);
  await proxied.untilReady();
  strictEqual(
    (await site.run("poweroff", "web")).outcomes[0]?.state,
    "succeeded",
  );
});

Deno.test("link cut again and again under load: every operation ends, once", async () => {
  await using proxied = await ProxiedSite.start("30s");
  const { site, proxy } = proxied;
  const { outcomes } = await site.submit("start", "web", {
    count: 40,
    spec: { memoryMiB: 16, sim: { bootMs: 300 } },
  });
  const first = proxy.accepted;
  for (let cuts = 0; cuts < 5; cuts++) {
    const before = proxy.accepted;
    proxy.cut();
    await until("the node dials again", () => proxy.accepted > before, {
      deadlineMs: 60_000,
    });
    await site.submit("cycle", `web-${cuts + 1}`);
  }
  ok(proxy.accepted >= first + 5);
  for (const { operation, vm } of outcomes.slice(10)) {
    await proxied.startedBy(vm, operation ?? "");
  }
  const all = await until("everything has ended", async () => {
    const { body } = await site.call<{
      operations: { state: string; verb: string; problem: unknown }[];
    }>("GET", "/v1/operations?limit=1000");
    return body.operations.some(({ state }) =>
        state === "pending" || state === "running"
      )
      ? null
      : body.operations;
  }, { deadlineMs: 120_000 });
  deepStrictEqual(
    all.filter(({ state }) => state !== "succeeded"),
    [],
  );
  strictEqual(all.length, 45);
});

Deno.test("link cut in the middle of frames, at any byte: every operation ends, once", async () => {
  await using proxied = await ProxiedSite.start("30s");
  const { site, proxy } = proxied;
  for (let bytes = 1; bytes < 4000; bytes = bytes * 2 + 7) {
    const before = proxy.accepted;
    proxy.cutAfter(bytes);
    const name = `web-${bytes}`;
    // A beat may be what is cut: then the node is away for a moment.
    const { outcomes } = await until("the start is taken in", async () => {
      const result = await site.submit("start", name, {
        spec: { memoryMiB: 16 },
      });
      return result.outcomes[0]?.problem === null ? result : null;
    }, { deadlineMs: 60_000 });
    await proxied.startedBy(name, outcomes[0]?.operation ?? "");
    await until("it was cut", () => proxy.accepted > before, {
      deadlineMs: 60_000,
    });
  }
});

Deno.test("link on which everything comes late: what is asked is done, and the session is the same", async () => {
  await using proxied = await ProxiedSite.start("30s");
  const { site, proxy } = proxied;
  const before = proxy.accepted;
  proxy.delay(300);
  const { outcomes } = await site.run("start", "web", {
    count: 20,
    spec: { memoryMiB: 16 },
  });
  deepStrictEqual(
    outcomes.filter(({ state }) => state !== "succeeded"),
    [],
  );
  strictEqual(proxy.accepted, before);
});

Deno.test("a node that is asked for more than its link holds at once is not cut off", async () => {
  await using site = await TestSite.start({
    lnm: { capacity: { cpus: 1000, memory: "1TiB" } },
  });
  const link = site.site.controller.site.links.link("n1");
  const before = link.sessionId;
  const disks = Array.from({ length: 32 }, (_, i) => ({
    path: `/${"d".repeat(1300)}${i}`,
  }));
  // Some 17 MB of acts in one go.
  const { outcomes } = await site.run("start", "web", {
    count: 400,
    spec: { memoryMiB: 16, disks },
  });
  deepStrictEqual(
    outcomes.filter(({ state }) => state !== "succeeded"),
    [],
  );
  strictEqual(link.sessionId, before, "it is the same session");
});

Deno.test("the same act, asked twice at once and again later, is done once and answered alike", async () => {
  let starts = 0;
  const driver = {
    start: async ({ uid }: { uid: string }) => {
      starts++;
      await Promise.resolve();
      return {
        uid,
        domain: uid,
        name: "web",
        state: "running",
        reason: "",
        incarnation: "01a",
        generation: starts,
      };
    },
  };
  const acts = new Acts(
    { get: () => driver, doubt() {} } as unknown as DriverSet,
    systemClock,
    () => {},
  );
  const act: Act = {
    type: "act",
    id: "01a.start",
    verb: "start",
    driver: "sim",
    uid: "01hzzzzzzzzzzzzzzzzzzzzzz5",
    plan: {
      name: "web.default.ann",
      generation: 1,
      incarnation: "01a",
      spec: VmSpec.parse({}),
    },
    graceMs: 0,
  };
  const [first, second] = await Promise.all([acts.do(act), acts.do(act)]);
  const later = await acts.do(act);
  deepStrictEqual([starts, second, later], [1, first, first]);
});
