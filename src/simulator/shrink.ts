/**
 * Finding a shorter history of what broke: the plan is run again and again with
 * parts of it left out, for as long as the same invariant breaks.
 *
 * What is left need not be the shortest there is, since what is left out
 * changes the order of all that follows; but each part of it was tried and is
 * needed, unless the time was over before.
 *
 * @module
 */
import type { Outcome } from "./run.ts";
import type { Plan } from "./plan.ts";

/** A plan, and what came of it. */
export interface Broken {
  readonly plan: Plan;
  readonly outcome: Outcome;
}

/** What shrinking needs. */
export interface ShrinkParts {
  /** Runs a plan. */
  readonly run: (plan: Plan) => Promise<Outcome>;
  /** Whether the time for it is over. */
  readonly isOver: () => boolean;
  /** Told after each attempt how many deeds are left. */
  readonly onProgress: (deeds: number) => void;
}

/** The shortest plan found that breaks what `broken` breaks. */
export async function shrink(
  broken: Broken,
  { run, isOver, onProgress }: ShrinkParts,
): Promise<Broken> {
  const { violation, at } = broken.outcome;
  const before = broken.plan.filter((deed) => deed.at <= at);
  let best: Broken = { ...broken, plan: before };
  for (let parts = 2; best.plan.length > 1;) {
    const size = Math.ceil(best.plan.length / parts);
    let shorter: Broken | null = null;
    for (let from = 0; from < best.plan.length && shorter === null;) {
      if (isOver()) return best;
      const plan = best.plan.toSpliced(from, size);
      const outcome = await run(plan);
      onProgress(best.plan.length);
      if (outcome.violation?.invariant === violation?.invariant) {
        shorter = { plan, outcome };
      } else from += size;
    }
    if (shorter !== null) {
      best = shorter;
      parts = Math.max(2, parts - 1);
    } else if (size === 1) break;
    else parts = Math.min(best.plan.length, parts * 2);
  }
  return best;
}
