/**
 * Whatever chains make of a request: it touches nothing that its caller could
 * not have asked for, in nobody else's name and for no other verb.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { Chains } from "../../src/plugin/chain/chains.ts";
import { isUsherError } from "../../src/error/mod.ts";
import { splitVmName } from "../../src/schema/name.ts";
import { VmRequest } from "../../src/schema/request.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { silentLog } from "../../src/sys/log.ts";
import { fakePlugin, FakeRunner } from "../support/fake_runner.ts";
import { ADMIN, SmallCtrl } from "../support/small_ctrl.ts";

const BOB = { user: "bob", role: "user", expiresAt: "", session: "" } as const;

type Fields = Record<string, unknown>;

const NAMES = [
  "own",
  "other",
  "own.default.bob",
  "secret.default.ann",
  "secret",
  "own.default.ann",
  "*",
  "*.*.*",
  "*.default.ann",
  "s?cret.*.ann",
  "x.n1.found",
  "..",
  "",
  "NO",
];

const VERBS = ["start", "poweroff", "destroy", "migrate", "register"] as const;

/** Keys that a handler may set or remove, and what to. */
const anyEdit = fc.record({
  key: fc.constantFrom(
    "names",
    "vms",
    "user",
    "role",
    "groups",
    "plugin",
    "verb",
    "id",
    "on",
    "to",
    "args",
    "vmArgs",
    "spec",
    "count",
    "queue",
    "__proto__",
    "more",
  ),
  value: fc.oneof(
    fc.array(fc.constantFrom(...NAMES), { maxLength: 4 }),
    fc.constantFrom(...VERBS, "admin", "ann", "root", "n1", "n9"),
    fc.constantFrom(undefined, null, 3, true, {}, { a: "b" }),
    fc.constant({ "secret.default.ann": { a: "b" } }),
    fc.constant([{ name: "secret.default.ann", uid: null, node: null }]),
    fc.jsonValue({ maxDepth: 2 }),
  ),
});

/** Edits that would be believed, were nobody to look. */
const sly = fc.oneof(
  fc.record({
    key: fc.constant("verb"),
    value: fc.constantFrom("destroy", "poweroff", "unregister", "start"),
  }),
  fc.record({ key: fc.constant("user"), value: fc.constant("ann") }),
  fc.record({ key: fc.constant("role"), value: fc.constant("admin") }),
  fc.record({
    key: fc.constant("names"),
    value: fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 2 }),
  }),
);
const edit = fc.oneof(anyEdit, sly);

/** What one handler does: some edits, now and then an answer of its own. */
const handler = fc.oneof(
  { weight: 8, arbitrary: fc.array(edit, { maxLength: 3 }) },
  {
    weight: 1,
    arbitrary: fc.jsonValue({ maxDepth: 2 }).map((given) => ({ given })),
  },
);

type Edits = readonly { readonly key: string; readonly value: unknown }[];

function asHandler(does: Edits | { readonly given: unknown }) {
  return ([request]: readonly unknown[]) => {
    if ("given" in does) return does.given;
    const edited = { ...request as Fields };
    for (const { key, value } of does) {
      Object.defineProperty(edited, key, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return [edited];
  };
}

Deno.test("no chain of edits lets a request touch what its caller may not", async () => {
  const property = fc.asyncProperty(
    fc.array(handler, { minLength: 1, maxLength: 4 }),
    fc.constantFrom(...VERBS),
    async (does, verb) => {
      const names = does.map((_, i) => `p${i}`);
      const runner = new FakeRunner(
        Object.fromEntries(does.map((one, i) => [`p${i}`, asHandler(one)])),
      );
      const chains = new Chains({ runner, clock: systemClock, log: silentLog });
      await using ctrl = await SmallCtrl.open({ events: chains });
      await ctrl.submit({ verb: "register", names: ["secret"] });
      await ctrl.requests.submit(
        VmRequest.parse({ verb: "register", names: ["own"] }),
        BOB,
      );
      const { records } = ctrl;
      const anns = () =>
        [...records.vms.latestValues()].filter(({ name }) =>
          splitVmName(name).user !== "bob"
        );
      const before = anns();
      const known = new Set(
        [...records.operations.latestValues()].map(({ id }) => id),
      );
      await chains.replace(
        names.map((name, i) =>
          fakePlugin(
            name,
            [i % 2 === 0 ? "request" : `${verb}_request`].filter(
              (event) =>
                event === "request" ||
                verb !== "destroy" && verb !== "register",
            ),
          )
        ),
      );
      try {
        const request = VmRequest.parse({ verb, names: ["own"] });
        await ctrl.requests.submit(request, BOB);
      } catch (error) {
        ok(isUsherError(error), String(error));
        ok(error.code !== "internal", error.message);
      }
      deepStrictEqual(anns(), before);
      for (const operation of records.operations.latestValues()) {
        if (known.has(operation.id)) continue;
        strictEqual(operation.user, "bob");
        strictEqual(operation.verb, verb);
        strictEqual(splitVmName(operation.vm).user, "bob");
      }
      strictEqual(({} as Fields)["a"], undefined);
    },
  );
  await fc.assert(property, { numRuns: 200 });
});

Deno.test("an administrator's request keeps its caller and its verb through any chain", async () => {
  const property = fc.asyncProperty(
    fc.array(handler, { minLength: 1, maxLength: 3 }),
    async (does) => {
      const runner = new FakeRunner(
        Object.fromEntries(does.map((one, i) => [`p${i}`, asHandler(one)])),
      );
      const chains = new Chains({ runner, clock: systemClock, log: silentLog });
      await chains.replace(
        does.map((_, i) => fakePlugin(`p${i}`, ["request"])),
      );
      await using ctrl = await SmallCtrl.open({ events: chains });
      const request = VmRequest.parse({ verb: "start", names: ["web"] });
      await ctrl.requests.submit(request, ADMIN).catch((error) => {
        ok(isUsherError(error) && error.code !== "internal", String(error));
      });
      for (const { user, verb } of ctrl.records.operations.latestValues()) {
        deepStrictEqual([user, verb], ["ann", "start"]);
      }
    },
  );
  await fc.assert(property, { numRuns: 100 });
});
