/**
 * The controller's process is killed while a plugin decides, and its plugins'
 * files are others when it comes back: who has answered is not asked again,
 * and what has begun ends with the versions that it began with.
 *
 * @module
 */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import type { Operation } from "../../src/schema/operation.ts";
import { PluginFolder } from "../support/plugin_folder.ts";
import { ProcessSite } from "../support/process_site.ts";
import { until } from "../support/wait.ts";

const SIM = { driver: "sim" };

const PATIENCE = { deadlineMs: 60_000, everyMs: 20 };

/** Says in the request's arguments which version answered, and how often it was asked. */
function first(version: string): string {
  return `
export const manifest = { name: "first", version: "1.0.0", api: 1, ctx: ["state"] };

export default ({ definePlugin }) =>
  definePlugin({
    handlers: {
      request: async ([request], ctx) => {
        const times = Number(await ctx.state.get("times") ?? 0) + 1;
        await ctx.state.set("times", times);
        const args = { ...request.args, first: "${version}", times: String(times) };
        return [{ ...request, args }];
      },
    },
  });
`;
}

/** Answers when it is asked a second time, and says whether it was the same decision. */
function slow(version: string): string {
  return `
export const manifest = { name: "slow", version: "1.0.0", api: 1, ctx: ["state"] };

export default ({ definePlugin }) =>
  definePlugin({
    handlers: {
      request: async ([request], ctx) => {
        const before = await ctx.state.get("asked");
        if (before === null) {
          // By then what the one before it answered is on its way to the disk.
          await new Promise((resolve) => setTimeout(resolve, 200));
          await ctx.state.set("asked", ctx.decision);
          ctx.log.info("asked");
          await new Promise(() => {});
        }
        const same = String(before === ctx.decision);
        return [{ ...request, args: { ...request.args, slow: "${version}", same } }];
      },
      register: ([vm], ctx) => ctx.log.info("${version} hears of " + vm.name),
    },
  });
`;
}

/** What a plugin has said since the controller started. */
async function said(site: ProcessSite, plugin: string): Promise<string> {
  try {
    return JSON.stringify(await site.call("GET", `/v1/plugins/${plugin}/logs`));
  } catch {
    // It has said nothing.
    return "";
  }
}

/** Versions that do not answer: the first when it is asked by its second registration, the second when it is told. */
function keeper(version: number): string {
  const never = "await new Promise(() => {})";
  return `
export const manifest = { name: "keeper", version: "${version}.0.0", api: 1 };

let asked = 0;

export default ({ definePlugin }) =>
  definePlugin({
    handlers: {
      request: async (_args, ctx) => {
        if (${version} > 1 || ++asked === 1) return;
        // By then what the first one answered is on its way to the disk.
        await new Promise((resolve) => setTimeout(resolve, 200));
        ctx.log.info("v${version} is asked");
        ${never};
      },
      register: async ([vm], ctx) => {
        ctx.log.info("v${version} hears of " + vm.name);
        ${version === 2 ? never : ""}
      },
    },
  });
`;
}

Deno.test("a controller is killed while a plugin decides, and its files change: what began goes on as it began", async () => {
  await using folder = await PluginFolder.make();
  const write = (version: string) =>
    folder.write({ "first.js": first(version), "slow.js": slow(version) });
  await write("v1");
  const grants = { ctx: ["state"] };
  const plugins = {
    first: { events: ["request"], grants },
    slow: {
      events: [{ event: "request", deadline: "5m" }, "register"],
      grants,
    },
  };
  await using site = await ProcessSite.start({
    nodes: [],
    ctrl: { plugin_dirs: [folder.plugins], plugins },
  });
  const asked = {
    id: "asked-once-1",
    verb: "register",
    names: ["web"],
    spec: SIM,
  };
  site.submit(asked).catch(() => {});
  await until(
    "the slow one is asked",
    async () => (await said(site, "slow")).includes("asked"),
    PATIENCE,
  );
  await site.ctrl.kill();
  await write("v2");
  await site.startCtrl();
  const { outcomes: [outcome] } = await site.run(asked);
  const { args } = await site.call<Operation>(
    "GET",
    `/v1/operations/${outcome?.operation}`,
  );
  deepStrictEqual(args, { first: "v1", times: "1", slow: "v1", same: "true" });
  const heard = await until("it is told", async () => {
    const lines = await said(site, "slow");
    return lines.includes("hears of") ? lines : null;
  }, PATIENCE);
  ok(heard.includes("v1 hears of"), heard);
  // What begins now goes to the version of now.
  await site.run({ verb: "register", names: ["db"], spec: SIM });
  await until(
    "the next is told",
    async () => (await said(site, "slow")).includes("v2 hears of"),
    PATIENCE,
  );
});

Deno.test("a controller is killed, and what was begun needs a version whose snapshot has vanished: it is not decided, and what is told says who missed it", async () => {
  await using folder = await PluginFolder.make();
  const write = (version: number) =>
    folder.write({ "keeper.js": keeper(version) });
  await write(1);
  const events = ["request", "request", "register"].map((event) => ({
    ...{ event, deadline: "5m" },
  }));
  await using site = await ProcessSite.start({
    nodes: [],
    ctrl: { plugin_dirs: [folder.plugins], plugins: { keeper: { events } } },
  });
  const hears = (text: string) =>
    until(
      text,
      async () => (await said(site, "keeper")).includes(text),
      PATIENCE,
    );
  /** As after a disk was cleaned by hand. */
  const loseVersions = async (version: number) => {
    await site.ctrl.kill();
    await Deno.remove(`${site.dir}/ctrl/plugins`, { recursive: true });
    await write(version);
    await site.startCtrl();
  };
  const register = (id: string, name: string) => ({
    ...{ verb: "register", names: [name], spec: SIM, id },
  });
  const begun = register("begun-with-v1", "web");
  site.submit(begun).catch(() => {});
  await hears("v1 is asked");
  await loseVersions(2);
  await rejects(
    site.submit(begun),
    /Cannot go on with what plugin \\?"keeper\\?" began to decide/,
  );
  const { outcomes: [outcome] } = await site.submit(
    register("begun-with-v2", "db"),
  );
  await hears("v2 hears of db");
  await loseVersions(3);
  const path = `/v1/operations/${outcome?.operation}`;
  await until("its trail says who missed it", async () => {
    const { trail } = await site.call<Operation>("GET", path);
    return trail.some(({ text }) =>
      text ===
        "is not told of register: the version that this began with is gone"
    );
  }, PATIENCE);
  const { state } = await site.call<Operation>("GET", path);
  strictEqual(state, "succeeded");
  await site.run({ verb: "register", names: ["mail"], spec: SIM });
  await hears("v3 hears of mail");
});
