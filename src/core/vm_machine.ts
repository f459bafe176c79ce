/**
 * What each state of a VM allows: one table from verb and state to what an
 * operation should do.
 *
 * `go` runs the verb's steps, `done` says that its goal holds already (the
 * operation succeeds with `changed: false`), `no` says why it cannot be, and
 * `away` that nobody knows, because the node is out of reach.
 *
 * `starting`, `stopping` and `migrating` are seen only when an earlier
 * operation ended without an answer, since operations on one VM never
 * overlap; the steps look before they act, so they may go ahead.
 *
 * @module
 */
import type { Verb } from "../schema/operation.ts";
import type { VmState } from "../schema/vm.ts";

/** What an operation should do about a VM in some state. */
export type Verdict =
  | { readonly type: "go" }
  | { readonly type: "done" }
  | { readonly type: "no"; readonly hint: string }
  | { readonly type: "away" };

const go: Verdict = { type: "go" };
const done: Verdict = { type: "done" };
const away: Verdict = { type: "away" };

function no(hint: string): Verdict {
  return { type: "no", hint };
}

const PAUSED = no(
  'resume it first ("usher vm resume"), or cut its power ("usher vm poweroff")',
);
const OFF = no('it has no power; turn it on with "usher vm start"');
const ON = no(
  'turn it off first ("usher vm shutdown" or "usher vm poweroff"), or use "usher vm destroy"',
);
const MOVING = no("wait until its migration is over");

type Row = Readonly<Record<VmState, Verdict>>;

const TABLE: Readonly<Record<Verb, Row>> = {
  register: {
    absent: done,
    starting: done,
    running: done,
    paused: done,
    stopping: done,
    stopped: done,
    crashed: done,
    migrating: done,
    unknown: done,
  },
  start: {
    absent: go,
    starting: go,
    running: done,
    paused: no('it is paused; use "usher vm resume"'),
    stopping: go,
    stopped: go,
    crashed: go,
    migrating: done,
    unknown: away,
  },
  shutdown: {
    absent: done,
    starting: go,
    running: go,
    paused: PAUSED,
    stopping: go,
    stopped: done,
    crashed: done,
    migrating: MOVING,
    unknown: away,
  },
  poweroff: {
    absent: done,
    starting: go,
    running: go,
    paused: go,
    stopping: go,
    stopped: done,
    crashed: done,
    migrating: go,
    unknown: away,
  },
  cycle: {
    absent: OFF,
    starting: go,
    running: go,
    paused: go,
    stopping: go,
    stopped: OFF,
    crashed: go,
    migrating: MOVING,
    unknown: away,
  },
  reboot: {
    absent: OFF,
    starting: go,
    running: go,
    paused: PAUSED,
    stopping: go,
    stopped: OFF,
    crashed: OFF,
    migrating: MOVING,
    unknown: away,
  },
  pause: {
    absent: OFF,
    starting: go,
    running: go,
    paused: done,
    stopping: go,
    stopped: OFF,
    crashed: OFF,
    migrating: MOVING,
    unknown: away,
  },
  resume: {
    absent: OFF,
    starting: done,
    running: done,
    paused: go,
    stopping: done,
    stopped: OFF,
    crashed: OFF,
    migrating: MOVING,
    unknown: away,
  },
  migrate: {
    absent: go,
    starting: go,
    running: go,
    paused: go,
    stopping: go,
    stopped: go,
    crashed: go,
    migrating: MOVING,
    unknown: away,
  },
  unregister: {
    absent: go,
    starting: ON,
    running: ON,
    paused: ON,
    stopping: ON,
    stopped: go,
    crashed: go,
    migrating: ON,
    unknown: away,
  },
  destroy: {
    absent: go,
    starting: go,
    running: go,
    paused: go,
    stopping: go,
    stopped: go,
    crashed: go,
    migrating: go,
    unknown: away,
  },
};

/** What an operation `verb` should do about a VM in `state`. */
export function verdict(verb: Verb, state: VmState): Verdict {
  return TABLE[verb][state];
}

/** Whether a domain in `state` takes memory and processors of its node. */
export function occupies(state: VmState): boolean {
  return state !== "absent" && state !== "stopped" && state !== "crashed";
}
