/**
 * Chains of requests: what handlers make of a request is what becomes of it,
 * and nothing that its caller could not have asked for.
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
import { isUsherError } from "../../error/mod.ts";
import { Chains } from "../../plugin/chain/chains.ts";
import { refusedBy } from "../../plugin/failure.ts";
import type { Operation } from "../../schema/operation.ts";
import { VmRequest, type VmRequestInput } from "../../schema/request.ts";
import { systemClock } from "../../sys/clock.ts";
import { silentLog } from "../../sys/log.ts";
import { nextTurn } from "../../sys/turn.ts";
import {
  type FakeHandler,
  fakePlugin,
  FakeRunner,
} from "../../../tests/support/fake_runner.ts";
import { ADMIN, SmallCtrl } from "../../../tests/support/small_ctrl.ts";
import { until } from "../../../tests/support/wait.ts";
import { callerOf } from "./plugin_caller.ts";

const BOB = { user: "bob", role: "user", expiresAt: "", session: "" } as const;

type Fields = Record<string, unknown>;

/** A handler that changes these keys of a request. */
function sets(fields: Fields): FakeHandler {
  return ([request]) => [{ ...request as Fields, ...fields }];
}

interface Small extends AsyncDisposable {
  readonly ctrl: SmallCtrl;
  readonly runner: FakeRunner;
  readonly chains: Chains;
}

/** A small controller with one plugin for each of `handlers`, registered for these events. */
async function withPlugins(
  handlers: Record<string, readonly [string, FakeHandler]>,
): Promise<Small> {
  const runner = new FakeRunner(
    Object.fromEntries(
      Object.entries(handlers).map(([name, [, handler]]) => [name, handler]),
    ),
  );
  const chains = new Chains({ runner, clock: systemClock, log: silentLog });
  await chains.replace(
    Object.entries(handlers).map(([name, [event]]) =>
      fakePlugin(name, event.split(" "))
    ),
  );
  const ctrl = await SmallCtrl.open({ events: chains, nodes: ["n1", "n2"] });
  return {
    ctrl,
    runner,
    chains,
    [Symbol.asyncDispose]: () => ctrl[Symbol.asyncDispose](),
  };
}

function start(more: Partial<VmRequestInput> = {}): VmRequest {
  return VmRequest.parse({ verb: "start", names: ["web"], ...more });
}

function operationsOf({ ctrl }: Small, request: string): Operation[] {
  return ctrl.requests.operationsOf(request).flatMap((id) =>
    ctrl.records.operations.latest(id) ?? []
  );
}

Deno.test("a request passes `request`, then the event of its verb; what comes out is done, and who changed it is told", async () => {
  await using small = await withPlugins({
    first: ["request", sets({ args: { tier: "gold" } })],
    kwargfil: ["start_request", sets({ spec: { memoryMiB: 512 } })],
  });
  const { request } = await small.ctrl.requests.submit(start(), ADMIN);
  const [operation] = operationsOf(small, request);
  deepStrictEqual(
    operation?.trail.slice(0, 3).map(({ source, text }) =>
      `${source}: ${text}`
    ),
    [
      "user ann: asked for start",
      'plugin first: set args.tier to "gold"',
      "plugin kwargfil: set spec.memoryMiB to 512",
    ],
  );
  const vm = small.ctrl.records.byName("web.default.ann");
  deepStrictEqual([vm?.spec.memoryMiB, vm?.args], [512, { tier: "gold" }]);
  const hashes = { first: "hash-of-first", kwargfil: "hash-of-kwargfil" };
  deepStrictEqual(operation?.plugins, hashes);
  deepStrictEqual(small.ctrl.records.requests.get(request)?.plugins, hashes);
  deepStrictEqual(small.runner.calls.map(({ decision }) => decision), [
    `${request}/request/first#0`,
    `${request}/start_request/kwargfil#0`,
  ]);
  const [given] = small.runner.calls.at(-1)?.args as Fields[];
  deepStrictEqual(
    [given?.user, given?.role, given?.plugin, given?.vms, given?.args],
    [
      "ann",
      "admin",
      null,
      [{ name: "web.default.ann", uid: null, node: null }],
      {
        tier: "gold",
      },
    ],
  );
});

Deno.test("a refusal carries the plugin and its reason, and leaves nothing", async () => {
  await using small = await withPlugins({
    strict: ["start_request", () => {
      throw refusedBy("strict", "20 VMs at most", "ask for fewer");
    }],
  });
  await rejects(small.ctrl.requests.submit(start(), ADMIN), (error) => {
    ok(isUsherError(error, "refused"));
    strictEqual(error.message, 'Plugin "strict" refuses: 20 VMs at most');
    strictEqual(error.details.hint, "ask for fewer");
    return true;
  });
  strictEqual(small.ctrl.records.operations.size, 0);
  strictEqual(small.ctrl.records.requests.size, 0);
  strictEqual(small.ctrl.records.vms.size, 0);
});

Deno.test("verbs without an event of their own pass `request` alone", async () => {
  await using small = await withPlugins({
    all: ["request start_request", () => null],
  });
  for (const verb of ["register", "unregister"] as const) {
    await small.ctrl.submit({ verb, names: ["web"] });
  }
  deepStrictEqual(
    small.runner.calls.map(({ event, args }) =>
      `${event} ${(args[0] as Fields).verb}`
    ),
    ["request register", "request unregister"],
  );
});

const UNREACHABLE: readonly (readonly [string, Fields, RegExp])[] = [
  [
    "another user's VM",
    { names: ["db.default.ann"] },
    /There is no VM|may not make VMs/,
  ],
  ["a VM that is none", { names: ["nothing"] }, /There is no VM "nothing"/],
  ["a name that is none", { names: ["UPPER"] }, /There is no VM|no VM name/],
];

for (const [what, fields, why] of UNREACHABLE) {
  Deno.test(`an edit does not reach ${what}`, async () => {
    await using small = await withPlugins({
      bad: ["poweroff_request", sets(fields)],
    });
    const { ctrl } = small;
    await ctrl.submit({ verb: "start", names: ["db"] });
    await ctrl.requests.submit(start(), BOB);
    const poweroff = VmRequest.parse({ verb: "poweroff", names: ["web"] });
    const before = ctrl.records.operations.size;
    await rejects(ctrl.requests.submit(poweroff, BOB), (error) => {
      ok(isUsherError(error, "plugin_failed"));
      match(error.message, /^Plugin "bad" changed the request/);
      match(error.message, why);
      return true;
    });
    strictEqual(ctrl.records.operations.size, before);
  });
}

Deno.test("an edit does not name a node that is none", async () => {
  await using small = await withPlugins({
    bad: ["start_request", sets({ on: "n9" })],
  });
  await rejects(
    small.ctrl.requests.submit(start(), ADMIN),
    /"bad" changed the request.*no node "n9"/,
  );
});

Deno.test("an edit of a plugin's request does not reach beyond what that was granted", async () => {
  await using small = await withPlugins({
    bad: ["poweroff_request", sets({ names: ["db.default.ann"] })],
  });
  const { ctrl } = small;
  await ctrl.submit({ verb: "start", names: ["web"] });
  await ctrl.submit({ verb: "start", names: ["db"] });
  const caller = callerOf({
    name: "rebalance",
    event: "periodic",
    operation: null,
    cause: null,
    depth: 1,
    reaches: (vm) => vm === "web.default.ann",
  });
  const poweroff = VmRequest.parse({
    verb: "poweroff",
    names: ["web.default.ann"],
  });
  await rejects(
    ctrl.requests.submit(poweroff, caller),
    /"bad" changed the request.*There is no VM/,
  );
});

Deno.test("a plugin's request passes over its own handlers, and tells how deep it is nested", async () => {
  await using small = await withPlugins({
    own: ["request", () => Promise.reject(new Error("must not be asked"))],
    other: ["request", () => null],
  });
  const caller = callerOf({
    name: "own",
    event: "periodic",
    operation: null,
    cause: null,
    depth: 2,
    reaches: () => true,
  });
  const request = start({ names: ["web.lab.ann"] });
  await small.ctrl.requests.submit(request, caller);
  deepStrictEqual(
    small.runner.calls.map(({ registration, depth, args }) => [
      registration.plugin,
      depth,
      (args[0] as Fields).user,
      (args[0] as Fields).plugin,
    ]),
    [["other", 2, "plugin:own", "own"]],
  );
});

Deno.test("the same request again is not decided again once it is durable", async () => {
  await using small = await withPlugins({ one: ["request", () => null] });
  const request = start({ id: "request-1" });
  await small.ctrl.requests.submit(request, ADMIN);
  await small.ctrl.requests.submit(request, ADMIN);
  strictEqual(small.runner.calls.length, 1);
});

Deno.test("one that could not be written is decided again under the same decisions", async () => {
  await using small = await withPlugins({ one: ["request", () => null] });
  const request = start({ id: "request-1" });
  small.ctrl.store.fail();
  await rejects(small.ctrl.requests.submit(request, ADMIN));
  await small.ctrl.requests.submit(request, ADMIN);
  const decisions = small.runner.calls.map(({ decision }) => decision);
  deepStrictEqual(decisions, [
    "request-1/request/one#0",
    "request-1/request/one#0",
  ]);
});

Deno.test("a request that waits for a handler keeps no other from going on, and can be given up", async () => {
  const over = Promise.withResolvers<null>();
  await using small = await withPlugins({
    slow: [
      "request",
      ([request]) => (request as Fields).user === "bob" ? over.promise : null,
    ],
  });
  const { requests } = small.ctrl;
  const waiting = Array.from({ length: 50 }, (_, i) => {
    const request = start({ id: `waiting-${i}` });
    const failed = rejects(requests.submit(request, BOB), /was cancelled by/);
    return { id: `waiting-${i}`, failed };
  });
  const { outcomes } = await requests.submit(start(), ADMIN);
  strictEqual(outcomes.length, 1);
  await until(
    "all wait",
    () =>
      waiting.every(({ id }) =>
        requests.deciding.waitingFor(id, BOB)?.plugin === "slow"
      ),
  );
  const eve = { ...BOB, user: "eve" };
  strictEqual(requests.deciding.waitingFor("waiting-0", eve), null);
  ok(!requests.deciding.giveUp("waiting-0", eve));
  for (const { id } of waiting) ok(requests.deciding.giveUp(id, BOB));
  await Promise.all(waiting.map(({ failed }) => failed));
  ok(!requests.deciding.giveUp("waiting-0", BOB));
  // What was given up is answered all the same, and nobody takes it.
  over.resolve(null);
  await nextTurn();
});

Deno.test("a plan passes the chains as a trial of its own name, and tells what they change", async () => {
  await using small = await withPlugins({
    kwargfil: ["start_request", sets({ on: "n2" })],
    quiet: ["start_request", () => null],
  });
  const plan = await small.ctrl.requests.plan(start(), ADMIN);
  deepStrictEqual(plan.plugins, [
    { event: "start_request", plugin: "kwargfil", changed: ['set on to "n2"'] },
    { event: "start_request", plugin: "quiet", changed: [] },
  ]);
  strictEqual(plan.vms[0]?.node, "n2");
  for (const { isReplay, decision } of small.runner.calls) {
    ok(isReplay);
    match(decision, /^plan-/);
  }
  strictEqual(small.ctrl.records.requests.size, 0);
});

Deno.test("what a drain asks for and a plugin refuses becomes a part that failed", async () => {
  await using small = await withPlugins({
    strict: ["migrate_request", () => {
      throw refusedBy("strict", "not in office hours", null);
    }],
  });
  const { ctrl } = small;
  const id = await ctrl.submit({ verb: "start", names: ["web"] });
  await ctrl.reached(id, "succeeded");
  const migrate = VmRequest.parse({ verb: "migrate", names: ["web"] });
  const whole = { parent: "01J00000000000000000000000", avoid: [] };
  const result = await ctrl.requests.submit(migrate, ADMIN, whole);
  const [outcome] = result.outcomes;
  strictEqual(outcome?.state, "failed");
  strictEqual(outcome?.problem?.code, "refused");
  match(
    outcome?.problem?.detail ?? "",
    /"strict" refuses: not in office hours/,
  );
  ok(result.done);
  ok(ctrl.runner.isIdle(outcome?.uid ?? ""));
});

Deno.test("what waits for a plugin while the controller ends is neither refused nor a part that failed", async () => {
  const over = Promise.withResolvers<null>();
  await using small = await withPlugins({
    slow: ["request", () => over.promise],
  });
  const { requests, records } = small.ctrl;
  const whole = { parent: "01J00000000000000000000000", avoid: [] };
  const request = start({ id: "waiting-1" });
  const waiting = requests.submit(request, ADMIN, whole);
  const failed = rejects(
    waiting,
    (error: Error) => isUsherError(error, "unavailable"),
  );
  await until("it waits", () => requests.deciding.isSeenBy("waiting-1", ADMIN));
  requests.deciding.close();
  await failed;
  await rejects(requests.submit(start(), ADMIN), /The controller ends/);
  strictEqual(records.operations.size, 0);
  over.resolve(null);
  await nextTurn();
});
