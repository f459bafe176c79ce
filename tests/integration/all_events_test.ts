/**
 * Every event of the catalogue, fired by a real site: what handlers get, and
 * in which order.
 *
 * An event that is added to the catalogue and that nothing here fires fails
 * this test.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type EventName, EVENTS } from "../../src/schema/event.ts";
import { pluginOf } from "../support/local_plugins.ts";
import { TestSite } from "../support/site.ts";
import { until } from "../support/wait.ts";

/** The arguments of each, as the original's page lists them. */
const INPUT: Readonly<Record<string, string>> = {
  client_authenticate: "credentials boolean identity",
  client_connect: "client",
  client_disconnect: "client",
  cluster_register: "cluster",
  ctrl_start: "site",
  list_request: "request:list",
  lnm_authenticate: "credentials boolean",
  lnm_connect: "node",
  lnm_disconnect: "node",
  lnm_list_request: "request:lnm_list",
  periodic: "",
  register: "vm",
  request: "request",
  state_change: "vm",
  timer: "",
  unregister: "vm",
  ...verbs("cycle pause poweroff reboot resume shutdown start", "vm"),
  ...verbs("migrate", "vm node"),
};

function verbs(names: string, success: string): Record<string, string> {
  return Object.fromEntries(
    names.split(" ").flatMap((verb) => [
      [`${verb}_request`, `request:${verb}`],
      [verb, success],
      [`${verb}_failure`, "vm problem"],
    ]),
  );
}

/** What an argument is, by what only such a thing has. */
function kindOf(arg: unknown): string {
  if (typeof arg === "boolean") return "boolean";
  const has = (key: string) => Object.hasOwn(arg as object, key);
  if (has("password")) return "credentials";
  if (has("verb")) return `request:${(arg as { verb: string }).verb}`;
  if (has("spec")) return "vm";
  if (has("capacity")) return "node";
  if (has("detail")) return "problem";
  if (has("createdBy")) return "cluster";
  if (has("epoch")) return "site";
  if (has("since")) return "client";
  return "identity";
}

interface Heard {
  readonly event: string;
  readonly args: readonly unknown[];
  readonly decision: string;
  readonly operation: string | null;
}

/** Everything that was heard. */
class Ears {
  readonly heard: Heard[] = [];

  readonly plugin = pluginOf("ears", {
    "*": (args, { event, decision, operation }) => {
      this.heard.push({ event, args, decision, operation });
    },
  });

  readonly config = {
    events: Object.keys(EVENTS).map((event) => {
      if (event === "periodic") return { event, period: "1s" };
      return event === "timer" ? { event, when: "+0s" } : event;
    }),
  };

  async until(event: string, about?: string): Promise<Heard> {
    return await until(
      `${event} is heard`,
      () => this.of(event, about).at(-1) ?? null,
      { deadlineMs: 20_000 },
    );
  }

  of(event: string, about?: string): Heard[] {
    return this.heard.filter((one) =>
      one.event === event &&
      (about === undefined || nameOf(one) === about)
    );
  }
}

function nameOf({ args: [first] }: Heard): string {
  return (first as { name?: string } | undefined)?.name ?? "";
}

function startOn(ears: Ears): Promise<TestSite> {
  return TestSite.start({
    nodes: 2,
    ctrl: {
      node_lease: "2s",
      takeover_margin: "3s",
      plugins: {
        users: {
          events: ["client_authenticate", "lnm_authenticate"],
          grants: { ctx: ["accounts", "state"] },
        },
        ears: ears.config,
      },
    },
    modules: { ears: ears.plugin },
  });
}

Deno.test("a real site fires every event of the catalogue, with what it should carry, in order", async () => {
  const ears = new Ears();
  await using site = await startOn(ears);
  await comeAndGo(site);
  await site.run("start", "web", { spec: { sim: { bootMs: 300 } } });
  await doEverything(site);
  await failAtEverything(site);
  await site.run("destroy", "web");
  await site.call("GET", "/v1/vms");
  await site.call("GET", "/v1/nodes");
  await loseANode(site, ears);
  for (const event of Object.keys(EVENTS)) await ears.until(event);
  ofTheRightKind(ears);
  inOrder(ears);
  await once(ears);
});

/** Somebody logs in, asks for something, and logs out. */
async function comeAndGo(site: TestSite): Promise<void> {
  const { accounts } = site.site.controller.site;
  await accounts.create("ann", "user", "a password");
  const login = { user: "ann", password: "a password" };
  const { status, body } = await site.call<{ token: string }>(
    "POST",
    "/v1/login",
    login,
    null,
  );
  strictEqual(status, 200);
  await site.call("GET", "/v1/whoami", undefined, body.token);
  await site.call("POST", "/v1/logout", {}, body.token);
}

async function doEverything(site: TestSite): Promise<void> {
  const all = ["pause", "resume", "reboot", "cycle", "migrate", "shutdown"];
  for (const verb of [...all, "start", "poweroff"]) {
    const [outcome] = (await site.run(verb, "web")).outcomes;
    strictEqual(outcome?.state, "succeeded", `${verb}: ${outcome?.problem}`);
  }
}

/** Of what a VM's state forbids, and what goes wrong on the way. */
async function failAtEverything(site: TestSite): Promise<void> {
  for (const verb of ["pause", "resume", "reboot", "cycle"]) {
    const [outcome] = (await site.run(verb, "web")).outcomes;
    strictEqual(outcome?.state, "failed", verb);
  }
  const broken = { sim: { startError: "no room for a kernel" } };
  strictEqual(
    (await site.run("start", "bad", { spec: broken })).outcomes[0]?.state,
    "failed",
  );
  await site.run("start", "deaf", {
    on: "n1",
    spec: {
      sim: { ignoreShutdown: true },
      placement: { apartFrom: ["rival"] },
    },
  });
  await site.run("start", "rival", { on: "n2" });
  await site.run("shutdown", "deaf", { graceMs: 1 });
  await site.run("migrate", "deaf");
}

/** A node ends; what runs there is out of reach. */
async function loseANode(site: TestSite, ears: Ears): Promise<void> {
  const node = (await site.vm("deaf")).node ?? "";
  await site.site.stopNode(node);
  await site.untilState("deaf", "unknown");
  const [outcome] = (await site.run("poweroff", "deaf")).outcomes;
  strictEqual(outcome?.state, "failed");
  await ears.until("lnm_disconnect", node);
}

function ofTheRightKind({ heard }: Ears): void {
  deepStrictEqual(
    Object.keys(INPUT).toSorted(),
    Object.keys(EVENTS).toSorted(),
  );
  for (const { event, args } of heard) {
    const { args: schema, names } = EVENTS[event as EventName];
    const parsed = schema.safeParse(args);
    ok(parsed.success, `${event}: ${parsed.error?.message}`);
    strictEqual(args.length, names.length, event);
    const kinds = args.map(kindOf);
    const wanted = (INPUT[event] ?? "").split(" ").filter((one) => one !== "");
    const shown = event === "request" ? ["request"] : kinds;
    deepStrictEqual(shown, wanted, event);
  }
}

/** What one VM's start leads to, as handlers hear it. */
function inOrder(ears: Ears): void {
  const name = "web.default.admin";
  const at = (event: string, test: (heard: Heard) => boolean = () => true) => {
    const index = ears.heard.findIndex((one) =>
      one.event === event && test(one)
    );
    ok(index >= 0, `${event} was heard`);
    return index;
  };
  const ofWeb = (one: Heard) => nameOf(one) === name;
  const inState = (state: string) => (one: Heard) =>
    ofWeb(one) &&
    (one.args[0] as { status: { state: string } }).status.state === state;
  const asksFor = (verb: string) => ({ args: [first] }: Heard) =>
    (first as { verb: string }).verb === verb;
  const way = [
    at("request", asksFor("start")),
    at("start_request"),
    at("register", ofWeb),
    at("state_change", inState("starting")),
    at("state_change", inState("running")),
    at("start", ofWeb),
    at("pause_request"),
    at("state_change", inState("paused")),
    at("pause", ofWeb),
    at("resume_request"),
    at("resume", ofWeb),
    at("reboot_request"),
    at("state_change", inState("stopped")),
    at("reboot", ofWeb),
    at("cycle", ofWeb),
    at("migrate", ofWeb),
    at("shutdown", ofWeb),
    at("poweroff", ofWeb),
    at("unregister", ofWeb),
  ];
  deepStrictEqual(way, way.toSorted((a, b) => a - b));
  ok(at("cluster_register") < at("register", ofWeb));
  ok(at("ctrl_start") < at("register", ofWeb));
  ok(at("client_authenticate") < at("client_connect"));
  ok(at("client_connect") < at("client_disconnect"));
  ok(at("lnm_authenticate") < at("lnm_connect"));
  ok(at("lnm_connect") < at("lnm_disconnect"));
  const [vm, from] = ears.of("migrate", name)[0]?.args as [
    { node: string },
    { name: string },
  ];
  ok(vm.node !== from.name, "a VM is told of with the node that it left");
  const [failed, problem] = ears.of("start_failure")[0]?.args as [
    { name: string },
    { detail: string },
  ];
  strictEqual(failed.name, "bad.default.admin");
  ok(problem.detail.includes("no room for a kernel"), problem.detail);
}

/** Nothing is told twice, and each thing under a name of its own. */
async function once(ears: Ears): Promise<void> {
  const calls = ears.heard.map(({ decision }) => decision);
  deepStrictEqual(calls.length, new Set(calls).size);
  for (const event of ["ctrl_start", "timer", "cluster_register"]) {
    strictEqual(ears.of(event).length, 1, event);
  }
  strictEqual(ears.of("register", "web.default.admin").length, 1);
  await ears.until("periodic");
}
