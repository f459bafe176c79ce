import assert from "node:assert/strict";
import { PastStates } from "./past_states.ts";

const state = (name: string, node: string | null = "n1") => ({
  at: "",
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
  const names = (limit: number) =>
    past.of("a", limit).states.map((one) => one.state);
  assert.deepEqual(names(10), ["stopped", "running", "starting"]);
  assert.deepEqual(names(2), ["stopped", "running"]);
  past.note("a", state("stopped", "n2"));
  assert.deepEqual(past.of("a", 1).states, [state("stopped", "n2")]);
});

Deno.test("a ring holds the newest of all, and looks no further than it must", () => {
  const past = new PastStates(100);
  past.note("old", state("running"));
  for (let i = 0; i < 250; i++) past.note("busy", state(`s${i}`));
  assert.equal(past.size, 100);
  assert.deepEqual(past.of("old", 10).states, []);
  const { states, looked } = past.of("busy", 3);
  assert.deepEqual(states.map((one) => one.state), ["s249", "s248", "s247"]);
  assert.equal(looked, 3);
  // One that is gone and comes again begins anew.
  past.forget("busy");
  past.note("busy", state("s249"));
  assert.equal(past.of("busy", 2).states.length, 2);
});
