/**
 * Which VMs start elsewhere, by time or by proof, and how often.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Vm, type VmStatus } from "../schema/vm.ts";
import {
  countedRestart,
  MAX_RESTARTS,
  mayRestartByTime,
  owing,
  restartTurn,
  wantsRestart,
} from "./node_loss.ts";

const AT = "2026-01-01T00:00:00.000Z";
const NOW = Date.parse(AT);
const TERMS = { leaseMs: 15_000, marginMs: 10_000 };

function vmOf(status: Partial<VmStatus> = {}, spec: object = {}): Vm {
  return Vm.parse({
    v: 1,
    uid: "01hzzzzzzzzzzzzzzzzzzzzzz5",
    name: "web.default.ann",
    generation: 3,
    spec: { onNodeLoss: "restart", ...spec },
    status: {
      state: "unknown",
      reason: "",
      incarnation: "01a",
      since: AT,
      observedGeneration: 3,
      last: "running",
      guard: { node: "n1", incarnation: "01a" },
      ...status,
    },
    node: "n1",
    args: {},
    createdAt: AT,
    revision: 0,
  });
}

Deno.test("wantsRestart() is for what was on, as its owner wants it", () => {
  const on = ["running", "starting", "stopping", "migrating", "crashed"];
  for (const last of on) {
    const vm = vmOf({ last: last as VmStatus["last"] });
    strictEqual(wantsRestart(vm), true, last);
  }
  for (const last of ["paused", "stopped", "absent"] as const) {
    strictEqual(wantsRestart(vmOf({ last })), false, last);
  }
  strictEqual(wantsRestart(vmOf({}, { onNodeLoss: "wait" })), false);
  strictEqual(wantsRestart(vmOf({}, { power: "off" })), false);
  strictEqual(wantsRestart({ ...vmOf(), found: true }), false);
});

Deno.test("mayRestartByTime() needs the guard's word for this very run, and the time", () => {
  const silence = { sinceHeardMs: 25_000, terms: TERMS };
  strictEqual(mayRestartByTime(vmOf(), silence), true);
  strictEqual(
    mayRestartByTime(vmOf(), { ...silence, sinceHeardMs: 24_999 }),
    false,
  );
  for (
    const status of [
      { guard: undefined },
      { guard: { node: "n2", incarnation: "01a" } },
      { guard: { node: "n1", incarnation: "01b" } },
      { state: "running" },
      { state: "crashed" },
      { last: "paused" },
    ] as Partial<VmStatus>[]
  ) {
    strictEqual(
      mayRestartByTime(vmOf(status), silence),
      false,
      JSON.stringify(status),
    );
  }
});

Deno.test("owing() owes a start to what was on and wants one", () => {
  const vm = vmOf();
  const crashed = vmOf({ state: "crashed" });
  deepStrictEqual(owing(vm, crashed).restarts, {
    due: true,
    count: 0,
    at: null,
  });
  strictEqual(owing(vmOf({ state: "stopped" }), crashed), crashed);
  const waits = vmOf({}, { onNodeLoss: "wait" });
  strictEqual(owing(waits, crashed), crashed);
});

Deno.test("restartTurn() gives each further start twice the pause, and then none", () => {
  strictEqual(restartTurn({ count: 0, at: null }, NOW).type, "now");
  const pauses = [30_000, 60_000, 120_000, 240_000];
  for (const [i, pause] of pauses.entries()) {
    const restarts = { count: i + 1, at: AT };
    deepStrictEqual(restartTurn(restarts, NOW + pause - 1), {
      type: "later",
      at: NOW + pause,
    });
    strictEqual(restartTurn(restarts, NOW + pause).type, "now");
  }
  const spent = { count: MAX_RESTARTS, at: AT };
  strictEqual(restartTurn(spent, NOW + 3_599_999).type, "never");
  strictEqual(restartTurn(spent, NOW + 3_600_000).type, "now");
  strictEqual(
    restartTurn(spent, NOW - 1).type,
    "now",
    "a clock was put back",
  );
});

Deno.test("countedRestart() begins anew after a quiet time", () => {
  strictEqual(countedRestart({ count: 0, at: null }, NOW), 1);
  strictEqual(countedRestart({ count: 4, at: AT }, NOW + 1000), 5);
  strictEqual(countedRestart({ count: 5, at: AT }, NOW + 3_600_000), 1);
});
