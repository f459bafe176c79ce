/**
 * A plan tells what then happens, whatever is asked in whatever state.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import * as fc from "fast-check";
import { isFinal } from "../../src/core/operation_machine.ts";
import { isUsherError } from "../../src/error/mod.ts";
import type { PlannedVm } from "../../src/schema/plan.ts";
import type { Outcome } from "../../src/schema/operation.ts";
import { VmRequest } from "../../src/schema/request.ts";
import { ADMIN, mindful, SmallCtrl } from "../support/small_ctrl.ts";
import { until } from "../support/wait.ts";

const names = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), {
  minLength: 1,
  maxLength: 3,
});

const patterns = fc.constantFrom([], [], ["a"], ["b"], ["*"]);

const creating = fc.record({
  verb: fc.constantFrom("start", "start", "register"),
  names,
  spec: fc.record({
    memoryMiB: fc.constantFrom(400 * 1024, 700 * 1024),
    placement: fc.record({ apartFrom: patterns, togetherWith: patterns }),
  }),
});

const acting = fc.record({
  verb: fc.constantFrom(
    "start",
    "shutdown",
    "poweroff",
    "cycle",
    "reboot",
    "pause",
    "resume",
    "migrate",
    "unregister",
    "destroy",
  ),
  names,
});

const requests = fc.array(fc.oneof(creating, acting), {
  minLength: 1,
  maxLength: 10,
}).map((all) => all.map((it) => VmRequest.safeParse(it)))
  .map((all) => all.flatMap(({ data }) => data === undefined ? [] : [data]));

/** Half of the histories begin with VMs that run. */
const START = VmRequest.parse({ verb: "start", names: ["a", "b", "c"] });
const histories = fc.tuple(fc.boolean(), requests).map(([runs, all]) =>
  runs ? [START, ...all] : all
);

/** What a whole request is refused with; null when it is not. */
async function refusal(work: () => Promise<unknown>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    if (isUsherError(error)) return error.message;
    throw error;
  }
}

/** What a plan says of a VM, in the words of its outcome. */
function expected({ vm, does, node, problem }: PlannedVm, verb: string) {
  const isGone = does === "steps" &&
    (verb === "unregister" || verb === "destroy");
  return [
    vm,
    does === "refused" ? "failed" : "succeeded",
    does === "steps",
    isGone || does === "refused" ? null : node,
    problem?.detail ?? null,
  ];
}

function happened({ vm, state, changed, node, problem, vmState }: Outcome) {
  const isGone = vmState === null;
  return [
    vm,
    state,
    changed,
    isGone || state === "failed" ? null : node,
    problem?.detail ?? null,
  ];
}

Deno.test("what is planned is what then happens", async () => {
  await fc.assert(
    fc.asyncProperty(histories, async (all) => {
      await using ctrl = await SmallCtrl.open({ nodes: ["n1", "n2", "n3"] });
      ctrl.node = mindful();
      for (const request of all) {
        let plan: PlannedVm[] = [];
        const planned = await refusal(async () => {
          plan = (await ctrl.requests.plan(request, ADMIN)).vms;
        });
        let id = "";
        const refused = await refusal(async () => {
          id = (await ctrl.requests.submit(request, ADMIN)).request;
        });
        deepStrictEqual(planned, refused);
        if (refused !== null) continue;
        const { outcomes } = await until("all have ended", () => {
          const result = ctrl.requests.result(id, ADMIN);
          return result.outcomes.every(({ state }) => isFinal(state))
            ? result
            : null;
        });
        deepStrictEqual(
          outcomes.map(happened),
          plan.map((it) => expected(it, request.verb)),
          JSON.stringify(request),
        );
      }
    }),
    { numRuns: 100 },
  );
});
