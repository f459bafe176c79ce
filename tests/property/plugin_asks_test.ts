/**
 * Whatever a plugin asks, in whatever order: nothing that it was not granted
 * changes, and nothing of it is told.
 *
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { isFinal } from "../../src/core/operation_machine.ts";
import { isUsherError } from "../../src/error/mod.ts";
import { type AskName, ASKS } from "../../src/plugin/asks.ts";
import { CAPABILITIES } from "../../src/schema/plugin.ts";
import { VERBS } from "../../src/schema/operation.ts";
import { askedBy, AskSite, plugin } from "../support/ask_site.ts";
import { until } from "../support/wait.ts";

const CAPABILITY = Object.keys(CAPABILITIES);
const VERB = Object.keys(VERBS);

/** VMs that are there: what is not of cluster `lab` is granted to nobody. */
const OURS = ["web.lab.ann", "db.lab.bob"];
const OTHERS = ["web.prod.ann", "secret.prod.eve"];

const name = fc.oneof(
  fc.constantFrom(...OURS, ...OTHERS),
  fc.constantFrom("new.lab.ann", "new.prod.ann"),
  fc.constantFrom("*", "*.*.*", "*.prod.*", "web", "web.prod", "n1", "[", ""),
  fc.string({ maxLength: 12 }),
);
const key = fc.constantFrom("a", "b", "__proto__", "a/b", "\u0000", "");
const event = fc.constantFrom("mine", "start", "theirs", "client_authenticate");
const change = fc.record({ key, value: fc.jsonValue({ maxDepth: 2 }) });

const asked = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...OURS, "new.lab.ann", "*.*.*") },
  { weight: 3, arbitrary: fc.constantFrom(...OTHERS, "*.prod.*", "w*") },
  { weight: 1, arbitrary: name },
);

const names = fc.array(asked, { minLength: 1, maxLength: 2 });

const request = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ verb: fc.constantFrom(...VERB), names }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      verb: fc.constantFrom("start", "register"),
      names: fc.constantFrom(["new.lab.ann"], ["new.prod.eve"], ["x"]),
      count: fc.constantFrom(1, 2),
      on: fc.constantFrom("n1", "n9"),
    }, { requiredKeys: ["verb", "names"] }),
  },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant("list"), names }) },
);

/** What goes with each ask, mostly as it should be. */
const PARAMS: Readonly<Record<AskName, fc.Arbitrary<unknown>>> = {
  "vms.list": fc.record({ name, state: fc.constant("running") }, {
    requiredKeys: [],
  }),
  "vms.get": fc.record({ name }),
  "vms.isAwaited": fc.record({ request: fc.string({ maxLength: 64 }) }),
  "nodes.list": fc.constant({}),
  "nodes.get": fc.record({ name }),
  "usage.vms": fc.constant({}),
  "usage.nodes": fc.constant({}),
  "clusters.list": fc.constant({}),
  "clusters.get": fc.record({ name: fc.constantFrom("lab.ann", "prod.eve") }),
  "history.operations": fc.record({ vm: name }, { requiredKeys: [] }),
  "history.vm": fc.record({ name }),
  "history.node": fc.record({ name }),
  "history.usage": fc.record({ name, sinceMs: fc.constant(0) }),
  fire: fc.record({ event, args: fc.array(fc.jsonValue({ maxDepth: 1 })) }),
  request: fc.record({ request, key }, {
    requiredKeys: ["request"],
  }),
  "state.get": fc.record({ key }),
  "state.set": change,
  "state.delete": fc.record({ key }),
  "state.list": fc.record({ prefix: key }),
  "state.commit": fc.record({
    changes: fc.array(change, { maxLength: 3 }),
    expect: fc.array(change, { maxLength: 1 }),
  }),
  "schedule.at": fc.record({
    when: fc.constantFrom(0, 60_000, "soon", "2030-01-01T00:00:00Z"),
    event,
    args: fc.constant([]),
    key,
  }),
  "schedule.cancel": fc.record({ key }),
  "accounts.check": fc.record({ name, password: fc.constant("wrong") }),
  "accounts.checkNode": fc.record({ name, secret: fc.constant("wrong") }),
};

const called = fc.record({
  depth: fc.constantFrom(0, 0, 0, 3, 4, 5),
  isReplay: fc.nat(9).map((n) => n === 0),
});

const ask = fc.tuple(
  fc.oneof(
    fc.constantFrom<AskName>("request", "request", "vms.list", "vms.get"),
    fc.constantFrom(...Object.keys(ASKS) as AskName[]),
  ).chain((name) =>
    fc.record({
      name: fc.constant<string>(name),
      params: fc.oneof(
        { weight: 9, arbitrary: PARAMS[name] },
        { weight: 1, arbitrary: fc.anything({ maxDepth: 1 }) },
      ),
    })
  ),
  called,
).map(([what, how]) => ({ ...what, ...how }));

/** Most things are granted, so that what is not is all that holds a plugin off. */
const grants = fc.record({
  ctx: fc.subarray(CAPABILITY, { minLength: CAPABILITY.length - 2 }),
  verbs: fc.subarray(VERB, { minLength: VERB.length - 4 }),
});

Deno.test("whatever a plugin asks, nothing outside its grants changes or is told", async () => {
  await fc.assert(
    fc.asyncProperty(
      grants,
      grants,
      fc.array(ask, { minLength: 1, maxLength: 25 }),
      async (asked, granted, asks) => {
        await using at = await AskSite.open();
        await at.start(...OURS, ...OTHERS);
        await at.spaces.of("other").commit([{ key: "a", value: "eve's" }], []);
        at.use(
          plugin("p", {
            asks: asked.ctx,
            verbs: asked.verbs,
            events: { mine: "for tests" },
            grants: { ...granted, vms: ["*.lab.*"] },
            rate: 1_000_000,
          }),
          plugin("other", { events: { theirs: "for tests" } }),
        );
        at.heard.add("mine").add("theirs");
        const before = others(at);
        for (const { name, params, depth, isReplay } of asks) {
          const by = { ...askedBy("p"), depth, isReplay };
          const answer = await at.ask(name, params, by).catch(problem);
          assert.doesNotMatch(
            JSON.stringify(answer) ?? "",
            /secret\.prod|eve's/,
          );
        }
        await until(
          "all operations have ended",
          () =>
            [...at.small.records.operations.latestValues()].every(({ state }) =>
              isFinal(state)
            ),
        );
        assert.deepEqual(others(at), before);
        const verbs = new Set(
          asked.verbs.filter((verb) => granted.verbs.includes(verb)),
        );
        const may = (capability: string) =>
          asked.ctx.includes(capability) && granted.ctx.includes(capability);
        for (const operation of at.small.records.operations.latestValues()) {
          if (operation.user !== "plugin:p") continue;
          assert.ok(may("requests") && verbs.has(operation.verb));
          assert.match(operation.vm, /\.lab\./);
        }
        assert.ok(at.fired.every((one) => one.event === "mine"));
        assert.ok(may("fire") || at.fired.length === 0);
        assert.ok(may("schedule") || at.schedules.of("p").length === 0);
        assert.ok(may("state") || at.spaces.of("p").list("").length === 0);
      },
    ),
    { numRuns: 80 },
  );
});

/** All that nobody granted: records of others, what others keep and have scheduled. */
function others({ small: { records }, spaces, schedules, accounts }: AskSite) {
  return JSON.stringify({
    vms: [...records.vms.latestValues()].filter(({ name }) =>
      !name.includes(".lab.")
    ),
    nodes: [...records.nodes.latestValues()],
    operations: [...records.operations.latestValues()].filter(({ user }) =>
      user !== "plugin:p"
    ).length,
    space: spaces.of("other").list(""),
    schedules: schedules.of("other"),
    isEmpty: accounts.isEmpty,
  });
}

/** What a plugin is told of an error; anything but usher's own is a fault. */
function problem(error: unknown): unknown {
  if (isUsherError(error) && error.code !== "internal") {
    // It may name what the plugin has named itself.
    return error.code;
  }
  throw error;
}
