/**
 * `usher sim`: seeds to runs, and what came of them to people and machines.
 *
 * @module
 */
import { EXIT } from "../client/exit.ts";
import { FAULT_KINDS, type FaultKind } from "../schema/simulation.ts";
import { timeText } from "./history.ts";
import { type Plan, planOf } from "./plan.ts";
import type { PlanOptions } from "./deed.ts";
import { type Outcome, runPlan } from "./run.ts";
import { type Broken, shrink } from "./shrink.ts";

const SHRINK_S = 30;

/** What the command line asks for. */
export interface SimFlags {
  readonly nodes: number | undefined;
  readonly vms: number | undefined;
  readonly hours: number | undefined;
  readonly seed: number | undefined;
  readonly seeds: number | undefined;
  readonly from: number | undefined;
  readonly faults: readonly FaultKind[] | undefined;
  readonly history: boolean;
  readonly shrinkS: number | undefined;
  readonly json: boolean;
}

/** Where a run of the command meets its machine. */
export interface SimPlace {
  say(line: string): void;
  /** Shows how far it is, over what was shown before. */
  hint(line: string): void;
  /** Milliseconds, of a clock that only goes forward. */
  now(): number;
  /** Aborts when it should end. */
  readonly signal: AbortSignal;
}

/** Runs every seed that was asked for, or up to the first that breaks; answers the exit code. */
export async function runSim(
  flags: SimFlags,
  place: SimPlace,
): Promise<number> {
  const first = flags.seed ?? flags.from ?? 1;
  const count = flags.seed !== undefined ? 1 : flags.seeds ?? 1;
  const began = place.now();
  let runs = 0;
  let operations = 0;
  for (let seed = first; seed < first + count; seed++) {
    const options = optionsOf(flags, seed);
    const plan = planOf(options);
    const outcome = await runOrStop(options, plan, place);
    if (outcome === null) {
      place.hint("");
      place.say(`ended after ${runs} of ${count} seeds: nothing broke`);
      return EXIT.interrupted;
    }
    runs++;
    operations += outcome.operations;
    if (flags.history) place.say(outcome.history.trimEnd());
    if (outcome.violation !== null) {
      const broken = await shortest(flags, options, { plan, outcome }, place);
      place.hint("");
      report(flags, options, broken, place);
      return EXIT.failed;
    }
    if (flags.json) place.say(JSON.stringify(jsonOf(options, outcome)));
    const minutes = (place.now() - began) / 60_000;
    place.hint(
      `seed ${seed}: ${runs} of ${count}, ${
        Math.round(runs / minutes)
      } a minute`,
    );
  }
  place.hint("");
  if (flags.json) return EXIT.done;
  const which = count === 1
    ? `seed ${first}`
    : `${runs} seeds from ${first} on`;
  place.say(`nothing broke: ${which}, ${operations} operations`);
  return EXIT.done;
}

function optionsOf(flags: SimFlags, seed: number): PlanOptions {
  const { nodes = 5, vms = 40, hours = 1, faults = FAULT_KINDS } = flags;
  return { seed, nodes, vms, hours, faults };
}

/** What came of a plan; null when it was told to stop. */
async function runOrStop(
  options: PlanOptions,
  plan: Plan,
  { signal }: SimPlace,
): Promise<Outcome | null> {
  try {
    signal.throwIfAborted();
    return await runPlan(options, plan, signal);
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}

/** The shortest history that is found in time; what there is when told to stop. */
async function shortest(
  { shrinkS = SHRINK_S }: SimFlags,
  options: PlanOptions,
  broken: Broken,
  place: SimPlace,
): Promise<Broken> {
  const { signal } = place;
  const end = place.now() + shrinkS * 1000;
  const isOver = () => signal.aborted || place.now() >= end;
  const nothing: Outcome = { ...broken.outcome, violation: null };
  return await shrink(broken, {
    run: async (plan) => await runOrStop(options, plan, place) ?? nothing,
    isOver,
    onProgress: (deeds) =>
      place.hint(
        `seed ${options.seed} breaks "${broken.outcome.violation?.invariant}"; ` +
          `looking for a shorter history: ${deeds} deeds`,
      ),
  });
}

function report(
  flags: SimFlags,
  options: PlanOptions,
  { plan, outcome }: Broken,
  { say }: SimPlace,
): void {
  if (flags.json) {
    say(JSON.stringify({ ...jsonOf(options, outcome), plan }));
    return;
  }
  say(`The shortest history found, of ${plan.length} deeds:`);
  say("");
  say(outcome.history.trimEnd());
  say("");
  say(
    `Seed ${options.seed} breaks "${outcome.violation?.invariant}" at ${
      timeText(outcome.at)
    }: ${outcome.violation?.text}`,
  );
  say(`Run it again: ${commandOf(options)}`);
}

/** The command that runs the whole of it again. */
function commandOf({ seed, nodes, vms, hours, faults }: PlanOptions): string {
  const kinds = faults.length === 0 ? "none" : faults.join(",");
  return `usher sim --seed ${seed} --nodes ${nodes} --vms ${vms} ` +
    `--hours ${hours} --faults ${kinds} --history`;
}

function jsonOf(options: PlanOptions, outcome: Outcome) {
  const { violation, at, events, operations, history } = outcome;
  return {
    ...options,
    broken: violation,
    at: timeText(at),
    events,
    operations,
    ...(violation === null ? {} : { history: history.trimEnd().split("\n") }),
  };
}
