import {
  deepStrictEqual,
  match,
  strictEqual,
  throws,
} from "node:assert/strict";
import { isUsherError, type UsherError } from "../../error/mod.ts";
import { Manifest, PluginConfig } from "../../schema/plugin.ts";
import {
  type ReadPlugin,
  registerAll,
  type RegistrationContext,
} from "./registrations.ts";

const NOW = Date.parse("2026-11-25T12:00:00Z");

let ids = 0;

const CONTEXT: RegistrationContext = {
  nextId: () => ++ids,
  locate: (path) => `ctrl.yaml:${path.length}:1`,
  now: NOW,
  isKnownTimer: () => false,
};

interface Given {
  readonly name?: string;
  readonly manifest?: Record<string, unknown>;
  readonly config?: Record<string, unknown>;
  readonly handles?: readonly string[];
}

function plugin(
  { name = "dns", manifest = {}, config = {}, handles = ["*"] }: Given,
): ReadPlugin {
  return {
    name,
    snapshot: {
      source: `/etc/usher/plugins/${name}.ts`,
      hash: "0".repeat(64),
      folder: "/tmp",
      entry: "plugin.ts",
    },
    manifest: Manifest.parse({ name, version: "1", api: 1, ...manifest }),
    config: PluginConfig.parse(config),
    handles,
  };
}

function mistake(given: readonly Given[]): UsherError {
  try {
    registerAll(given.map(plugin), CONTEXT);
  } catch (error) {
    if (isUsherError(error)) return error;
    throw error;
  }
  throw new Error("was registered");
}

Deno.test("registerAll() names key and place of each mistake, and what would be right", () => {
  const cases: [what: string, Given[], message: RegExp, hint: RegExp][] = [
    [
      "an event that does not exist",
      [{ config: { events: ["register", "strat_request"] } }],
      /^ctrl\.yaml:5:1: plugins\.dns\.events\.1\.event: there is no event "strat_request"$/,
      /^did you mean "start_request"\?$/,
    ],
    [
      "an event that nothing is like",
      [{ config: { events: ["zzzzzzzzzzz"] } }],
      /there is no event/,
      /usher event list/,
    ],
    [
      "an event without a handler",
      [{ config: { events: ["start"] }, handles: ["register", "migrate"] }],
      /events\.0\.event: plugin "dns" has no handler for "start"$/,
      /it has handlers for migrate, register/,
    ],
    [
      "periodic without a period",
      [{ config: { events: ["periodic"] } }],
      /events\.0: "periodic" needs a period$/,
      /period: 5m/,
    ],
    [
      "a period of another event",
      [{ config: { events: [{ event: "register", period: "5m" }] } }],
      /events\.0\.period: "register" has no period/,
      /register for periodic/,
    ],
    [
      "a bad cron pattern",
      [{ config: { events: [{ event: "periodic", period: "61 * * * *" }] } }],
      /events\.0\.period: "61 \* \* \* \*" is no cron pattern: /,
      /Mondays/,
    ],
    [
      "a cron pattern that never comes",
      [{ config: { events: [{ event: "periodic", period: "0 0 31 2 *" }] } }],
      /it never comes$/,
      /day of the month/,
    ],
    [
      "timer without when",
      [{ config: { events: ["timer"] } }],
      /events\.0: "timer" needs a moment$/,
      /\+30s after the plugin begins/,
    ],
    [
      "when of another event",
      [{ config: { events: [{ event: "start", when: "+1s" }] } }],
      /events\.0\.when: "start" has no moment/,
      /register for timer/,
    ],
    [
      "when in the past",
      [{
        config: { events: [{ event: "timer", when: "2026-11-25T11:59:59Z" }] },
      }],
      /events\.0\.when: 2026-11-25T11:59:59Z is in the past$/,
      /it is 2026-11-25T12:00:00\.000Z now/,
    ],
    [
      "when without a zone",
      [{ config: { events: [{ event: "timer", when: "2027-01-01T00:00" }] } }],
      /"2027-01-01T00:00" is no moment$/,
      /with its zone/,
    ],
    [
      "when after nothing",
      [{ config: { events: [{ event: "timer", when: "+30" }] } }],
      /"\+30" is no moment$/,
      /\+30s/,
    ],
    [
      "an event that two declare",
      [
        { name: "one", manifest: { events: { done: "x" } } },
        { name: "two", manifest: { events: { done: "y" } } },
      ],
      /^ctrl\.yaml:2:1: plugins\.two: plugins "one" and "two" both declare the event "done"$/,
      /two_done/,
    ],
    [
      "an event of usher's own",
      [{ manifest: { events: { start: "x" } } }],
      /plugins\.dns: plugin "dns" \(.*dns\.ts\) declares "start", which is an event of usher's own$/,
      /another name/,
    ],
    [
      "a manifest of another name",
      [{ manifest: { name: "dms" } }],
      /plugins\.dns: the manifest of .*dns\.ts says "dms", and its file says "dns"$/,
      /one name/,
    ],
  ];
  for (const [what, given, message, hint] of cases) {
    const error = mistake(given);
    strictEqual(error.code, "invalid_input", what);
    match(error.message, message, what);
    match(error.details.hint ?? "", hint, what);
  }
});

Deno.test("registerAll() numbers registrations in their order, each with its own options over the plugin's", () => {
  ids = 0;
  const loaded = registerAll([
    plugin({
      name: "one",
      manifest: { events: { one_done: "it is done" } },
      config: {
        options: { a: 1, b: 2 },
        events: ["register", {
          event: "start",
          order: 5,
          deadline: "2s",
          options: { b: 3 },
        }],
      },
    }),
    plugin({ name: "two", config: { events: ["one_done"] } }),
  ], CONTEXT);
  deepStrictEqual(loaded.flatMap(({ registrations }) => registrations), [
    {
      id: 1,
      plugin: "one",
      event: "register",
      order: null,
      options: { a: 1, b: 2 },
      deadlineMs: null,
    },
    {
      id: 2,
      plugin: "one",
      event: "start",
      order: 5,
      options: { a: 1, b: 3 },
      deadlineMs: 2000,
    },
    {
      id: 3,
      plugin: "two",
      event: "one_done",
      order: null,
      options: {},
      deadlineMs: null,
    },
  ]);
});

Deno.test("registerAll() takes clocks that are right", () => {
  const [one] = registerAll([
    plugin({
      config: {
        events: [
          { event: "periodic", period: "5m" },
          { event: "periodic", period: "0 3 * * 1" },
          { event: "timer", when: "+30s" },
          { event: "timer", when: "2026-11-25T12:00:01Z" },
          { event: "timer", when: "2026-11-25T14:00:01+01:00" },
        ],
      },
    }),
  ], CONTEXT);
  deepStrictEqual(
    one?.registrations.map(({ period, when }) => period ?? when),
    [
      300_000,
      "0 3 * * 1",
      "+30s",
      "2026-11-25T12:00:01Z",
      "2026-11-25T14:00:01+01:00",
    ],
  );
});

Deno.test("registerAll() takes a timer of the past that was registered before it was past", () => {
  const old = [plugin({
    config: { events: [{ event: "timer", when: "2026-01-01T00:00:00Z" }] },
  })];
  throws(() => registerAll(old, CONTEXT), /in the past/);
  registerAll(old, { ...CONTEXT, isKnownTimer: () => true });
});
