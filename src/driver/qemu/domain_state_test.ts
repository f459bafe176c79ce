/**
 * The state that is told of a domain, from what is heard of its QEMU.
 *
 * @module
 */
import { match, strictEqual } from "node:assert/strict";
import { type Facts, stateOf } from "./domain_state.ts";
import type { MoveRecord } from "./migration/record.ts";
import { RunState } from "./run_state.ts";

function told(run: RunState, more: Partial<Facts> = {}): string {
  const { state, reason } = stateOf({
    phase: "idle",
    alive: true,
    ending: null,
    move: null,
    ...run.facts,
    ...more,
  });
  return reason === "" ? state : `${state}: ${reason}`;
}

function event(name: string, data: Record<string, unknown> = {}) {
  return { event: name, data };
}

Deno.test("a QEMU of which nothing was heard yet runs its guest, and a dead one is what its end says", () => {
  const run = new RunState();
  strictEqual(told(run), "running");
  run.fallSilent(null);
  strictEqual(told(run), "running: monitor does not answer");
  strictEqual(told(run, { phase: "starting" }), "starting");
  const ending = { state: "stopped", reason: "guest shut down" } as const;
  strictEqual(told(run, { alive: false, ending }), "stopped: guest shut down");
});

Deno.test("silence hides no state: a paused guest stays paused until QEMU says otherwise", () => {
  const run = new RunState();
  run.set("paused");
  strictEqual(run.fallSilent(null), true);
  strictEqual(run.fallSilent(null), false, "the same silence is no news");
  strictEqual(told(run), "paused: monitor does not answer");
  run.hear(event("RESUME"));
  strictEqual(told(run), "running");
});

Deno.test("a disk error is told while it lasts, by the event's words", () => {
  const run = new RunState();
  run.hear(event("BLOCK_IO_ERROR", { reason: "No space left on device" }));
  run.hear(event("STOP"));
  strictEqual(told(run), "paused: disk error: No space left on device");
  run.set("io-error");
  strictEqual(told(run), "paused: disk error: No space left on device");
  run.change("running");
  strictEqual(told(run), "running");
  const later = new RunState();
  later.set("io-error");
  strictEqual(told(later), "paused: stopped by QEMU after a disk error");
});

Deno.test("a panic is the better word for the stop that follows it", () => {
  const run = new RunState();
  run.hear(event("GUEST_PANICKED", { action: "pause" }));
  run.hear(event("STOP"));
  strictEqual(told(run), "crashed: guest panicked");
});

Deno.test("a guest that is asked to shut down is stopping while it runs, and paused while it does not", () => {
  const run = new RunState();
  run.set("running");
  strictEqual(told(run, { phase: "stopping" }), "stopping");
  run.set("paused");
  strictEqual(told(run, { phase: "stopping" }), "paused");
  run.set("inmigrate");
  strictEqual(told(run), "migrating: QEMU is in inmigrate");
});

const MOVE: MoveRecord = {
  id: "m",
  peer: "n2",
  role: "source",
  phase: "disks",
  live: true,
  paused: false,
  postCopy: false,
  ticket: null,
  made: [],
};

Deno.test("a source runs its guest until the switch, and is a copy once all was sent", () => {
  const run = new RunState();
  run.set("running");
  strictEqual(told(run, { move: MOVE }), "running");
  run.hear(event("STOP"));
  const memory = { ...MOVE, phase: "memory" } as const;
  match(told(run, { move: memory }), /^migrating/);
  strictEqual(told(run, { move: { ...memory, paused: true } }), "paused");
  const sent = { ...MOVE, phase: "sent" } as const;
  strictEqual(told(run, { move: sent }), "migrating: sent to n2");
  // Sent and taken back while it was paused.
  run.set("postmigrate");
  strictEqual(told(run), "paused");
});

Deno.test("a copy is no crashed domain, whatever becomes of its QEMU", () => {
  const run = new RunState();
  const waiting = { ...MOVE, role: "target", phase: "waiting" } as const;
  strictEqual(told(run, { move: waiting }), "migrating: coming from n2");
  const ending = { state: "crashed", reason: "QEMU was killed" } as const;
  strictEqual(
    told(run, { move: waiting, alive: false, ending }),
    "migrating: coming from n2; here QEMU was killed",
  );
  const cold = { ...waiting, live: false } as const;
  strictEqual(
    told(run, { move: cold, alive: false, ending }),
    "migrating: coming from n2",
  );
  const here = { ...waiting, phase: "activating" } as const;
  run.set("running");
  strictEqual(told(run, { move: here }), "running");
});
