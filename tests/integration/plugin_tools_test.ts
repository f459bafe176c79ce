/**
 * `usher plugin check` and `usher plugin test`: a plugin in its sandbox, and a
 * controller that is a function.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { runCheck } from "../../src/plugin_tools/check.ts";
import { runTest } from "../../src/plugin_tools/test.ts";
import {
  answer,
  type FakeController,
  lines,
  refusal,
  usher,
} from "../support/fake_client.ts";
import { PluginFolder } from "../support/plugin_folder.ts";
import { aVm, startRequest } from "../support/plugin_values.ts";

const TOOLS = { "plugin check": runCheck, "plugin test": runTest };

function tool(controller: FakeController, ...argv: string[]) {
  return usher(["plugin", ...argv], controller, {}, undefined, TOOLS);
}

/** Counts requests in its own space, files one of its own, and looks at VMs. */
const COUNTER = `
export const manifest = {
  name: "counter", version: "2", api: 1,
  ctx: ["state", "requests", "fire", "vms"], verbs: ["pause"],
  events: { counted: "one more" },
};
export default ({ definePlugin, z }) => definePlugin({
  options: z.strictObject({ most: z.int(), mark: z.string().default("") }),
  handlers: {
    async start_request([request], ctx) {
      const count = (await ctx.state.get("count") ?? 0) + 1;
      await ctx.state.set("count", count);
      if (count > ctx.options.most) ctx.refuse("one too many");
      if (ctx.options.mark === "second") return;
      await ctx.request({ verb: "pause", names: ["web.lab.ann"] });
      await ctx.fire("counted", []);
      const seen = await ctx.vms.list().then((vms) => vms.length, () => "none");
      return [{ ...request, args: { ...request.args, seen: String(seen) } }];
    },
  },
});
`;

function registration(order: number | null, mark: string) {
  return { event: "start_request", order, options: { most: 5, mark } };
}

const RUNNING = {
  name: "counter",
  registrations: [registration(null, "second"), registration(1, "first")],
  options: { most: 5 },
  grants: {
    ctx: ["state", "requests", "fire"],
    verbs: ["pause"],
    vms: ["*.lab.*"],
    write: ["/srv"],
  },
};

function recorded(number: number, answers: unknown[]) {
  return {
    type: "event",
    at: `2026-11-22T11:00:0${number}.000Z`,
    event: "start_request",
    decision: `d${number}`,
    operation: null,
    depth: 0,
    args: [startRequest(["web.lab.ann"])],
    answers,
  };
}

const NOTHING = { plugin: "counter", hash: "1", args: null, problem: null };

function site(view: unknown): FakeController {
  return ({ path }) => {
    if (path === "/v1/vms") return answer({ vms: [aVm("web.lab.ann")] });
    if (path === "/v1/nodes") return answer({ nodes: [] });
    if (path === "/v1/recorded-events") {
      return lines([1, 2, 3].map((n) => recorded(n, [NOTHING, NOTHING])));
    }
    return view === null
      ? refusal("not_found", 'There is no plugin "counter"')
      : answer(view);
  };
}

Deno.test("plugin test: each registration with its own options and what it is granted, its values read back, its deeds listed", async () => {
  await using folder = await PluginFolder.make();
  const path = await folder.write({ "counter.js": COUNTER });
  const argv = ["test", path, "-o", "json"];
  const { code, out, err } = await tool(site(RUNNING), ...argv);
  strictEqual(code, 0, err);
  const report = JSON.parse(out);
  strictEqual(report.played, 3);
  // The one with an order comes first, and may not look at VMs; the second of
  // the third event is the sixth call, and one too many.
  deepStrictEqual(
    report.differences.map(({ now }: { now: string }) => now),
    [
      'set args.seen to "none"',
      'set args.seen to "none"',
      'set args.seen to "none"',
      'Plugin "counter" refuses: one too many',
    ],
  );
  deepStrictEqual(
    report.deeds.map(({ what }: { what: string }) => what),
    Array.from({ length: 3 }, () => ["pause web.lab.ann", "fire counted"])
      .flat(),
  );
});

Deno.test("plugin test: what is not in the configuration has what it asks of ctx, and options of a file", async () => {
  await using folder = await PluginFolder.make();
  const path = await folder.write({
    "counter.js": COUNTER,
    "options.yaml": "most: 1\n",
  });
  const { code, out, err } = await tool(
    site(null),
    ...["test", path, "--options", `${folder.plugins}/options.yaml`],
  );
  strictEqual(code, 0, err);
  match(out, /now: {2}set args\.seen to "1"/);
  match(out, /would: pause web\.lab\.ann/);
  match(out, /^3 event\(s\) since .*, 3 would have been decided otherwise$/m);
});

Deno.test("plugin check: a server is reached when that is allowed, and what was not tried is said", async () => {
  await using folder = await PluginFolder.make();
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => new Response("it is there"),
  );
  const host = `127.0.0.1:${server.addr.port}`;
  await folder.write({
    "asker/plugin.js": `
export const manifest = {
  name: "asker", version: "1", api: 1,
  permissions: { net: ["${host}"], read: ["/srv"] },
};
export default ({ definePlugin }) => definePlugin({
  handlers: {
    async ctrl_start(_, ctx) {
      ctx.log.info(await (await fetch("http://${host}/")).text());
    },
  },
});
`,
    "asker/checks.yaml":
      "checks:\n  - { name: asks, event: ctrl_start, logs: it is there }\n",
  });
  const path = `${folder.plugins}/asker`;
  const nobody = () => refusal("not_found", 'There is no plugin "asker"');
  const without = await tool(nobody, "check", path);
  strictEqual(without.code, 1, without.err);
  match(
    without.out,
    /^not tried +net 127\.0\.0\.1:\d+, read \/srv: it had none .*--allow-net/m,
  );
  match(without.out, /^ok +starts$/m);
  match(without.out, /^not ok +asks: .*net/m);
  const allowed = await tool(nobody, "check", path, "--allow-net");
  strictEqual(allowed.code, 0, allowed.out + allowed.err);
  match(allowed.out, /^not tried +read \/srv: it had none of these here$/m);
  match(allowed.out, /^ok +asks$/m);
});

Deno.test("plugin check: one that does not start is told, and --for is for --shadow", async () => {
  await using folder = await PluginFolder.make();
  const path = await folder.write({
    "lame.js": `
export const manifest = { name: "lame", version: "1", api: 1 };

export default ({ definePlugin, registration }) => {
  if (registration.event !== "*") throw new Error("no legs");
  return definePlugin({ handlers: { register() {} } });
};
`,
  });
  const nobody = () => refusal("not_found", 'There is no plugin "lame"');
  const { code, out } = await tool(nobody, "check", path);
  strictEqual(code, 1);
  match(out, /^not ok +starts: .*no legs \(lame\.js:\d+:\d+\)$/m);
  const wrong = await tool(nobody, "test", path, "--for", "1h");
  strictEqual(wrong.code, 64);
  match(wrong.err, /add --shadow/);
});

/** A plugin with slips that its own checks do not look for. */
const SLIPS = `
export const manifest = { name: "slips", version: "1", api: 1 };
export default ({ definePlugin, z }) => definePlugin({
  options: z.strictObject({ most: z.int().default(3) }),
  handlers: {
    start_request: ([request]) => [{ ...request, args: { number: 3 } }],
    start_requst: () => {},
    told_by_another: () => {},
    register: (_, ctx) => ctx.vms.list(),
    unregister: () => Deno.readTextFile("/etc/hostname"),
    state_change: () => fetch("https://192.0.2.1"),
  },
});
`;
const SLIPPED_CHECKS = `
checks:
  - { name: passes, event: start_request }
  - { name: misspelt, event: start_request, args: [{ cuont: 2 }] }
  - { name: asks, event: register }
  - { name: reads, event: unregister }
  - { name: fetches, event: state_change }
`;

Deno.test("plugin check: slips of whoever writes it are told with what would be right", async () => {
  await using folder = await PluginFolder.make();
  await folder.write({
    "slips/plugin.js": SLIPS,
    "slips/checks.yaml": SLIPPED_CHECKS,
  });
  const path = `${folder.plugins}/slips`;
  const { code, out, err } = await tool(site(null), "check", path);
  strictEqual(code, 1, err);
  const granted =
    "it must be asked for in the manifest's permissions, and granted";
  for (
    const told of [
      'it handles "start_requst", which is no event: did you mean "start_request"?',
      'it handles "told_by_another", which another plugin must declare',
      "not ok  passes: its answer is wrong: request.args.number: ",
      'not ok  misspelt: args.0 has no "cuont": did you mean "count"?',
      'add "vms" to "ctx" there',
      `it is there with "read" alone: ${granted}`,
      `Requires net access to "192.0.2.1:443" (plugin.js:11:25); ${granted}`,
    ]
  ) strictEqual(out.includes(told), true, `${told}\n${out}`);

  const wrong: [from: string, to: string, told: RegExp][] = [
    ["api: 1", "api: 1, descripton: ''", /did you mean "description"\?/],
    ["api: 1", "api: 1, ctx: ['vm']", /did you mean "vms"\?/],
    ["export default", "throw new Error('x');\nexport default", /is loaded/],
  ];
  for (const [from, to, told] of wrong) {
    await folder.write({ "slips/plugin.js": SLIPS.replace(from, to) });
    match((await tool(site(null), "check", path)).err, told);
  }
});
