import assert from "node:assert/strict";
import { isoTime } from "../../sys/clock.ts";
import { PastStates } from "./past_states.ts";

const state = (name: string, node: string | null = "n1") => ({
  at: isoTime(0),
  state: name,
  reason: "",
  node,
});

Deno.test("past states are the subject's own, newest first, each once", () => {
  const past = new PastStates();
  for (const name of ["starting", "running", "running", "stopped"]) {
    past.note("a", state(name));
    past.note("b", state("running"));
  }
  const names = (limit: number) => past.of("a", limit).map((one) => one.state);
  assert.deepEqual(names(10), ["stopped", "running", "starting"]);
  assert.deepEqual(names(2), ["stopped", "running"]);
  past.note("a", state("stopped", "n2"));
  assert.deepEqual(past.of("a", 1), [state("stopped", "n2")]);
  assert.deepEqual(past.of("c", 1), []);
});

Deno.test("a ring holds the newest of all, whoever's they are", () => {
  const past = new PastStates(100);
  past.note("old", state("running"));
  for (let i = 0; i < 250; i++) past.note("busy", state(`s${i}`));
  assert.equal(past.size, 100);
  assert.deepEqual(past.of("old", 10), []);
  const states = past.of("busy", 1000).map((one) => one.state);
  assert.equal(states.length, 100);
  assert.deepEqual([states[0], states.at(-1)], ["s249", "s150"]);
  // What was pushed out is new when it comes again.
  past.note("old", state("running"));
  assert.equal(past.of("old", 10).length, 1);
});

Deno.test("what is gone takes its past along", () => {
  const past = new PastStates();
  past.note("a", state("running"));
  past.forget("a");
  assert.deepEqual(past.of("a", 10), []);
  past.note("a", state("running"));
  assert.equal(past.of("a", 10).length, 1);
});
