import assert from "node:assert/strict";
import {
  admit,
  type Circuit,
  circuitError,
  FIRST_MS,
  IN_A_ROW,
  IN_WINDOW,
  LONGEST_MS,
  NEW_CIRCUIT,
  settle,
  TRIAL_MS,
  WELL_MS,
} from "./circuit.ts";

/** One call after another at `at`; what each came to. */
function play(
  circuit: Circuit,
  at: number,
  outcomes: readonly (string | null)[],
): Circuit {
  for (const outcome of outcomes) {
    const { circuit: now, isAdmitted } = admit(circuit, at);
    if (!isAdmitted) return now;
    circuit = settle(now, now.round, outcome, at);
  }
  return circuit;
}

const fails = (count: number) => Array.from({ length: count }, () => "a fault");
const OPEN = play(NEW_CIRCUIT, 1000, fails(IN_A_ROW));
const { circuit: TRYING } = admit(OPEN, OPEN.untilMs);

Deno.test("closed: every call is let through, and what goes well changes nothing", () => {
  assert.equal(admit(NEW_CIRCUIT, 0).isAdmitted, true);
  const after = play(NEW_CIRCUIT, 0, [null, null]);
  assert.equal(after.state, "closed");
  assert.equal(after.reason, "");
});

Deno.test("closed: one failure fewer than the bound does not open it", () => {
  assert.equal(
    play(NEW_CIRCUIT, 0, fails(IN_A_ROW - 1)).state,
    "closed",
  );
});

Deno.test("closed: failures in a row open it, and it says since when and after what", () => {
  assert.equal(OPEN.state, "open");
  assert.equal(OPEN.openedMs, 1000);
  assert.equal(OPEN.reason, "a fault");
  assert.equal(OPEN.untilMs, 1000 + FIRST_MS);
});

Deno.test("closed: a call that goes well begins the row anew", () => {
  const outcomes = [...fails(IN_A_ROW - 1), null, ...fails(IN_A_ROW - 1)];
  assert.equal(play(NEW_CIRCUIT, 0, outcomes).state, "closed");
});

Deno.test("closed: a handler that fails every other time opens it too", () => {
  const half = Array.from({ length: IN_WINDOW }, () => ["a fault", null])
    .flat();
  assert.equal(play(NEW_CIRCUIT, 0, half.slice(0, -3)).state, "closed");
  assert.equal(play(NEW_CIRCUIT, 0, half).state, "open");
});

Deno.test("closed: a handler that fails once in three does not", () => {
  const third = Array.from({ length: 100 }, () => ["a fault", null, null])
    .flat();
  assert.equal(play(NEW_CIRCUIT, 0, third).state, "closed");
});

Deno.test("open: no call is let through before the back-off is over", () => {
  const { circuit, isAdmitted } = admit(OPEN, OPEN.untilMs - 1);
  assert.equal(isAdmitted, false);
  assert.equal(circuit, OPEN);
});

Deno.test("open: what calls come to that began before changes nothing", () => {
  assert.equal(settle(OPEN, NEW_CIRCUIT.round, "late", 2000), OPEN);
  assert.equal(settle(OPEN, NEW_CIRCUIT.round, null, 2000), OPEN);
});

Deno.test("open: after the back-off one call is let through, and no second", () => {
  assert.equal(TRYING.state, "trying");
  assert.equal(TRYING.openedMs, 1000, "it is open since it opened");
  assert.equal(admit(TRYING, OPEN.untilMs + 1).isAdmitted, false);
});

Deno.test("trying: a trial that goes well closes it", () => {
  const closed = settle(TRYING, TRYING.round, null, 9000);
  assert.equal(closed.state, "closed");
  assert.equal(closed.openedMs, null);
  assert.equal(admit(closed, 9000).isAdmitted, true);
});

Deno.test("trying: a trial that fails opens it for twice as long", () => {
  const again = settle(TRYING, TRYING.round, "still a fault", 7000);
  assert.equal(again.state, "open");
  assert.equal(again.untilMs, 7000 + 2 * FIRST_MS);
  assert.equal(again.openedMs, 1000);
  assert.equal(again.reason, "still a fault");
});

Deno.test("trying: what older calls come to decides nothing", () => {
  assert.equal(settle(TRYING, OPEN.round, null, 7000), TRYING);
  assert.equal(settle(TRYING, NEW_CIRCUIT.round, "late", 7000), TRYING);
});

Deno.test("trying: a trial of which nothing is heard is followed by another", () => {
  const at = TRYING.sinceMs + TRIAL_MS;
  assert.equal(admit(TRYING, at - 1).isAdmitted, false);
  const { circuit, isAdmitted } = admit(TRYING, at);
  assert.equal(isAdmitted, true);
  assert.equal(settle(circuit, TRYING.round, null, at), circuit);
});

Deno.test("the back-off doubles up to a bound, however often", () => {
  let circuit = OPEN;
  for (let i = 0; i < 2000; i++) {
    const { circuit: trying } = admit(circuit, circuit.untilMs);
    circuit = settle(trying, trying.round, "a fault", trying.sinceMs);
    assert.ok(circuit.untilMs - circuit.sinceMs <= LONGEST_MS);
  }
  assert.equal(circuit.untilMs - circuit.sinceMs, LONGEST_MS);
});

Deno.test("one that closes and opens again soon waits longer; one that was well for long does not", () => {
  const closed = settle(TRYING, TRYING.round, null, 10_000);
  const soon = play(closed, 11_000, fails(IN_A_ROW));
  assert.equal(soon.untilMs - 11_000, 2 * FIRST_MS);
  const later = 10_000 + WELL_MS;
  const anew = play(closed, later, fails(IN_A_ROW));
  assert.equal(anew.untilMs - later, FIRST_MS);
});

Deno.test("the error names the plugin, the event, since when it is open, why, and when it is tried", () => {
  const wallMs = Date.UTC(2026, 0, 1, 12, 0, 3);
  const error = circuitError(OPEN, { plugin: "limits", event: "request" }, {
    monotonicMs: 4000,
    wallMs,
  });
  assert.equal(error.code, "plugin_failed");
  assert.equal(error.details.subject, "limits");
  assert.equal(
    error.message,
    'Plugin "limits" is not asked about "request": its circuit is open ' +
      "since 2026-01-01T12:00:00.000Z, after a fault",
  );
  assert.match(error.details.hint ?? "", /tried again in 2 s/);
});
