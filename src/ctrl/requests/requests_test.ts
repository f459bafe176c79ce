/**
 * Requests whose writing fails, and those that could never be kept.
 *
 * @module
 */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { ADMIN, SmallCtrl } from "../../../tests/support/small_ctrl.ts";
import { until } from "../../../tests/support/wait.ts";
import { vmIn } from "../../../tests/property/arbitraries.ts";
import type { UsherError } from "../../error/mod.ts";
import { VmRequest } from "../../schema/request.ts";

const START = VmRequest.parse({
  id: "one-request",
  verb: "start",
  names: ["web"],
});

Deno.test("Requests.submit() of one id, three times at once with a first that fails, makes one set", async () => {
  await using ctrl = await SmallCtrl.open();
  ctrl.store.fail();
  const all = await Promise.allSettled(
    [1, 2, 3].map(() => ctrl.requests.submit(START, ADMIN)),
  );
  deepStrictEqual(all.map(({ status }) => status).toSorted(), [
    "fulfilled",
    "fulfilled",
    "rejected",
  ]);
  strictEqual(ctrl.records.operations.size, 1);
});

Deno.test("Requests.submit() that cannot be written leaves no VM, no operation and no lane", async () => {
  await using ctrl = await SmallCtrl.open();
  await ctrl.reached(
    await ctrl.submit({ verb: "start", names: ["old"] }),
    "succeeded",
  );
  ctrl.store.fail({ times: 2 });
  await rejects(ctrl.submit({ verb: "poweroff", names: ["old"] }));
  await rejects(ctrl.submit({ verb: "start", names: ["new", "old"] }));
  strictEqual(ctrl.records.byName("new.default.ann"), undefined);
  const { uid } = ctrl.records.byName("old.default.ann") ?? {};
  strictEqual(ctrl.runner.holderOf(uid ?? ""), null);
  await ctrl.reached(
    await ctrl.submit({ verb: "poweroff", names: ["old"] }),
    "succeeded",
  );
});

Deno.test("Requests.submit() gives each VM its own arguments over those of all, also in its operation", async () => {
  await using ctrl = await SmallCtrl.open();
  await ctrl.submit({
    verb: "start",
    names: ["web"],
    count: 2,
    args: { ip: "none", tier: "gold" },
    vmArgs: { "web-1.default.ann": { ip: "10.0.0.1" } },
  });
  const seen = ["web-1", "web-2"].map((name) => {
    const vm = ctrl.records.byName(`${name}.default.ann`);
    const operation = [...ctrl.records.operations.values()].find(({ uid }) =>
      uid === vm?.uid
    );
    return [vm?.args, operation?.args];
  });
  const first = { ip: "10.0.0.1", tier: "gold" };
  const second = { ip: "none", tier: "gold" };
  deepStrictEqual(seen, [[first, first], [second, second]]);
});

Deno.test("Requests.submit() that breaks after it took lanes gives them back", async () => {
  await using ctrl = await SmallCtrl.open();
  const { picture } = ctrl.records.capacity;
  const places = picture.places.bind(picture);
  // As a bug in placement would.
  picture.places = () => {
    picture.places = places;
    throw new TypeError("a bug");
  };
  await ctrl.reached(
    await ctrl.submit({ verb: "register", names: ["web"] }),
    "succeeded",
  );
  await rejects(ctrl.submit({ verb: "start", names: ["web"] }), /a bug/);
  await ctrl.reached(
    await ctrl.submit({ verb: "start", names: ["web"] }),
    "succeeded",
  );
});

Deno.test("Requests.submit() refuses what could not be kept", async () => {
  await using ctrl = await SmallCtrl.open();
  const disks = Array.from({ length: 32 }, (_, i) => ({
    path: `/${"d".repeat(4000)}${i}`,
  }));
  await rejects(
    ctrl.submit({ verb: "start", names: ["web"], spec: { disks } }),
    /VM "web\.default\.ann" is described with 1\d{5} bytes/,
  );
  const args = (at: number) =>
    Object.fromEntries(
      Array.from({ length: 7 }, (_, i) => [`k${at}-${i}`, "ü".repeat(2000)]),
    );
  await ctrl.submit({ verb: "register", names: ["web"], args: args(0) });
  await rejects(
    ctrl.submit({ verb: "register", names: ["web"], args: args(1) }),
    { code: "invalid_input" },
  );
});

Deno.test("a node that says too much about a failure ends the operation all the same", async () => {
  await using ctrl = await SmallCtrl.open();
  ctrl.node = ({ verb }) => {
    if (verb !== "start") return "absent";
    throw new Error("no ".repeat(100_000));
  };
  const id = await ctrl.submit({ verb: "start", names: ["web"] });
  const { problem } = await ctrl.reached(id, "failed");
  strictEqual(problem?.detail.length, 2000);
  await until(
    "the lane is free",
    () =>
      ctrl.runner.holderOf(ctrl.records.operations.get(id)?.uid ?? "") === null,
  );
});

Deno.test("no more than so many operations wait for one VM, and a power cut gets through", async () => {
  await using ctrl = await SmallCtrl.open();
  await ctrl.reached(
    await ctrl.submit({ verb: "start", names: ["web"] }),
    "succeeded",
  );
  ctrl.node = ({ verb }) =>
    verb === "pause" ? new Promise<never>(() => {}) : "stopped";
  const ids: string[] = [];
  for (let i = 0; i < 102; i++) {
    ids.push(await ctrl.submit({ verb: "pause", names: ["web"] }));
  }
  const { problem } = await ctrl.reached(ids[101] ?? "", "failed");
  deepStrictEqual([problem?.code, problem?.holder], ["busy", ids[0]]);
  await ctrl.reached(
    await ctrl.submit({ verb: "poweroff", names: ["web"] }),
    "succeeded",
  );
  for (const id of ids.slice(1, 101)) {
    strictEqual(
      (await ctrl.reached(id, "failed")).problem?.code,
      "wrong_state",
    );
  }
});

Deno.test("a domain that usher did not make is left alone by every verb", async () => {
  await using ctrl = await SmallCtrl.open();
  const value = {
    ...vmIn("running", "n1", null),
    name: "old.n1.found",
    found: true,
  };
  await ctrl.records.write([{ kind: "vm", key: value.uid, value }]);
  for (const { shape } of VmRequest.options) {
    const [verb] = shape.verb.values;
    await rejects(
      ctrl.submit({ verb: verb as "start", names: ["old.n1.found"] }),
      (error: UsherError) => {
        strictEqual(error.code, "unsupported");
        strictEqual(/on node n1/.test(error.details.hint ?? ""), true);
        return true;
      },
    );
  }
  deepStrictEqual(ctrl.acts, []);
});
