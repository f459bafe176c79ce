/**
 * Running one plan to its end, or to the first invariant that breaks.
 *
 * @module
 */
import { isFinal } from "../core/operation_machine.ts";
import { nextTurn } from "../sys/turn.ts";
import { endOf, schedule } from "./deeds.ts";
import { lookAtRecords, lookAtTruth, lookAtWatcher } from "./invariants.ts";
import { type Plan, SETTLE_MS } from "./plan.ts";
import type { Deed, PlanOptions } from "./deed.ts";
import type { Violation } from "./violation.ts";
import { World } from "./world.ts";

/** So many events between two looks at everything. */
const LOOK_EVERY = 1000;

/** Between two looks whether the site is quiet, in ms. */
const QUIET_MS = 30_000;

/** More events than these in a minute mean that something never rests. */
const EVENTS_A_MINUTE = 200_000;

/** What became of a run. */
export interface Outcome {
  readonly violation: Violation | null;
  /** When it broke, or ended, in ms of the simulation. */
  readonly at: number;
  readonly events: number;
  /** Operations that were accepted. */
  readonly operations: number;
  readonly history: string;
  /** Deeds that changed nothing: refused, or without what they are about. */
  readonly idle: ReadonlySet<Deed>;
}

/** What may be done to a world for a test of the checker. */
export type Mutation = (world: World) => void;

/** Runs `plan`. Rejects with the signal's reason when that aborts. */
export async function runPlan(
  options: PlanOptions,
  plan: Plan,
  signal: AbortSignal,
  mutate: Mutation = () => {},
): Promise<Outcome> {
  const world = new World(options);
  mutate(world);
  world.begin();
  schedule(world, plan);
  const stepper = new Stepper(world, signal);
  const end = endOf(plan);
  let violation = await stepper.until(end);
  for (
    let at = end + QUIET_MS;
    violation === null && at <= end + SETTLE_MS;
    at += QUIET_MS
  ) {
    violation = await stepper.until(at);
    if (violation === null && lookAtEnd(world) === null) break;
  }
  violation ??= lookAtEnd(world);
  const { history, clock, ledger } = world;
  if (violation !== null) {
    history.add("broken", `${violation.invariant}: ${violation.text}`);
  }
  return {
    violation,
    at: clock.elapsed,
    events: stepper.events,
    operations: ledger.count,
    history: String(history),
    idle: world.idle,
  };
}

/** Lets time pass, and looks. */
class Stepper {
  readonly #world: World;
  readonly #signal: AbortSignal;
  events = 0;
  #minute = 0;
  #inMinute = 0;

  constructor(world: World, signal: AbortSignal) {
    this.#world = world;
    this.#signal = signal;
  }

  /** Goes on until `end`; answers what broke before. */
  async until(end: number): Promise<Violation | null> {
    const { clock, domains, state, witness } = this.#world;
    while (clock.step(end)) {
      await nextTurn();
      this.events++;
      const broken = domains.violation ?? state.violation ??
        witness.violation;
      if (broken !== null) return broken;
      const restless = this.#count(clock.elapsed);
      if (restless !== null) return restless;
      if (this.events % LOOK_EVERY !== 0) continue;
      this.#signal.throwIfAborted();
      const found = state.lookAtAll() ?? lookAtMemory(this.#world);
      if (found !== null) return found;
    }
    return null;
  }

  #count(elapsed: number): Violation | null {
    const minute = Math.floor(elapsed / 60_000);
    this.#inMinute = minute === this.#minute ? this.#inMinute + 1 : 0;
    this.#minute = minute;
    if (this.#inMinute < EVENTS_A_MINUTE) return null;
    const text = `more than ${EVENTS_A_MINUTE} events in minute ${minute}`;
    return { invariant: "rests", text };
  }
}

function lookAtMemory({ controller, disk }: World): Violation | null {
  const { engine } = controller;
  return engine === null ? null : lookAtRecords(engine, disk);
}

/** What is not as it must be once nothing is wrong any more. */
function lookAtEnd(world: World): Violation | null {
  const { controller, machines, watchers, ledger, disk, witness } = world;
  const { engine } = controller;
  if (engine === null) {
    return { invariant: "ends", text: "the controller does not serve" };
  }
  if (engine.records.nodes.size < machines.length) {
    return { invariant: "ends", text: "a node has never connected" };
  }
  for (const node of engine.records.nodes.values()) {
    if (node.state === "ready") continue;
    return { invariant: "ends", text: `node ${node.name} is ${node.state}` };
  }
  const [open] = ledger.open;
  if (open !== undefined) {
    const text =
      `${open.verb} ${open.id} of ${open.vm} is still ${open.state} at ${open.step}`;
    return { invariant: "ends", text };
  }
  const drain = [...engine.records.nodeOperations.values()]
    .find(({ state }) => !isFinal(state));
  if (drain !== undefined) {
    const text = `${drain.verb} of ${drain.node} is still ${drain.state}`;
    return { invariant: "ends", text };
  }
  return lookAtRecords(engine, disk) ?? lookAtTruth(engine, machines) ??
    witness.lookAtEnd(engine, disk) ??
    watchers.map((watcher) => lookAtWatcher(engine, watcher))
      .find((found) => found !== null) ??
    null;
}
