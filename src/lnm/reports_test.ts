/**
 * Reports around acts: nothing twice, nothing stale, nothing lost.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import { until } from "../../tests/support/wait.ts";
import type { DomainFrame } from "../schema/frame.ts";
import type { DomainState } from "../schema/vm.ts";
import { systemClock } from "../sys/clock.ts";
import { Reports } from "./reports.ts";

function seen(uid: string, state: DomainState): DomainFrame {
  return {
    driver: "sim",
    uid,
    domain: uid,
    name: uid,
    state,
    reason: "",
    incarnation: "run",
    generation: 1,
  };
}

/** What was sent, and what the driver would find. */
function world() {
  const sent: string[] = [];
  const found = new Map<string, DomainState>();
  const reports = new Reports(
    (frames) => {
      for (const { uid, state } of frames) sent.push(`${uid} ${state}`);
    },
    (frame) => {
      const state = found.get(frame.uid ?? "");
      return state === undefined
        ? Promise.reject(new Error("does not answer"))
        : Promise.resolve({ ...frame, state });
    },
    systemClock,
  );
  return { reports, sent, found };
}

Deno.test("Reports sends what nobody asked for, the newest of each domain alone", async () => {
  const { reports, sent } = world();
  reports.add(seen("a", "starting"));
  reports.add(seen("b", "running"));
  reports.add(seen("a", "running"));
  await until("they are sent", () => sent.length > 0);
  deepStrictEqual(sent, ["a running", "b running"]);
});

Deno.test("Reports leaves out what the result of an act says", async () => {
  const { reports, sent } = world();
  reports.busy("a", true, null);
  reports.add(seen("a", "starting"));
  reports.add(seen("a", "running"));
  reports.busy("a", false, seen("a", "running"));
  reports.add(seen("b", "running"));
  await until("the other is sent", () => sent.length > 0);
  deepStrictEqual(sent, ["b running"]);
});

Deno.test("Reports asks the driver where a result and a report differ", async () => {
  const { reports, sent, found } = world();
  found.set("a", "running").set("b", "crashed");
  for (const uid of ["a", "b"]) {
    reports.busy(uid, true, null);
    reports.add(seen(uid, uid === "a" ? "starting" : "crashed"));
    reports.busy(uid, false, seen(uid, "running"));
  }
  await until("both are sent", () => sent.length === 2);
  deepStrictEqual(sent, ["a running", "b crashed"]);
});

Deno.test("Reports tells what it has when the driver does not answer, or the act brought nothing", async () => {
  const { reports, sent } = world();
  reports.busy("a", true, null);
  reports.add(seen("a", "crashed"));
  reports.busy("a", false, seen("a", "running"));
  reports.busy("b", true, null);
  reports.add(seen("b", "starting"));
  reports.busy("b", false, null);
  await until("both are sent", () => sent.length === 2);
  deepStrictEqual(sent.toSorted(), ["a crashed", "b starting"]);
});

Deno.test("Reports shows a slow start while its act still runs", async () => {
  const { reports, sent } = world();
  reports.busy("a", true, null);
  reports.add(seen("a", "starting"));
  await until("it is sent", () => sent.length > 0);
  deepStrictEqual(sent, ["a starting"]);
});
