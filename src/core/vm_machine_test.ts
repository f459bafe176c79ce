/**
 * The table of verbs and states, cell by cell.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { Verb } from "../schema/operation.ts";
import { VmState } from "../schema/vm.ts";
import { occupies, verdict } from "./vm_machine.ts";

const STATES = [
  "absent",
  "starting",
  "running",
  "paused",
  "stopping",
  "stopped",
  "crashed",
  "migrating",
  "unknown",
] as const;

/** For each verb its verdict in each state: go, done, no, away. */
const CELLS: Readonly<Record<Verb, string>> = {
  register: "done done done done done done done done done",
  start: "go go done no go go go done away",
  shutdown: "done go go no go done done no away",
  poweroff: "done go go go go done done go away",
  cycle: "no go go go go no go no away",
  reboot: "no go go no go no no no away",
  pause: "no go go done go no no no away",
  resume: "no done done go done no no no away",
  migrate: "go go go go go go go no away",
  unregister: "go no no no no go go no away",
  destroy: "go go go go go go go go away",
};

Deno.test("verdict() says in every cell what the table says", () => {
  deepStrictEqual([...STATES], VmState.options);
  for (const verb of Verb.options) {
    deepStrictEqual(
      STATES.map((state) => verdict(verb, state).type).join(" "),
      CELLS[verb],
      verb,
    );
  }
});

Deno.test("verdict() that says no names the verb that helps", () => {
  const hints: [Verb, VmState, RegExp][] = [
    ["start", "paused", /vm resume/],
    ["shutdown", "paused", /vm resume.*vm poweroff/],
    ["reboot", "paused", /vm resume/],
    ["cycle", "stopped", /vm start/],
    ["pause", "absent", /vm start/],
    ["resume", "crashed", /vm start/],
    ["unregister", "running", /vm shutdown.*vm poweroff.*vm destroy/],
    ["migrate", "migrating", /wait until its migration is over/],
  ];
  for (const [verb, state, expected] of hints) {
    const answer = verdict(verb, state);
    match(
      answer.type === "no" ? answer.hint : "",
      expected,
      `${verb} ${state}`,
    );
  }
});

Deno.test("occupies() counts what is on, and what may be", () => {
  deepStrictEqual(STATES.filter(occupies), [
    "starting",
    "running",
    "paused",
    "stopping",
    "migrating",
    "unknown",
  ]);
  strictEqual(occupies("crashed"), false);
});
