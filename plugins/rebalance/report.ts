/**
 * What people are told of a plan: each move with what it is good for, and, when
 * nodes are uneven and nothing moves, why.
 *
 * @module
 */
import type { Json, PluginLog } from "@usher/plugin";
import type { Plan } from "./planner.ts";
import type { Survey } from "./survey.ts";

/** Tells of plans in the log. */
export class Reporter {
  #stuck = "";

  /** Tells of one; why nothing moves only when that is something new. */
  tell(
    { moves, before, reason, isUnderWay }: Plan,
    surveyed: Survey,
    isTrial: boolean,
    log: PluginLog,
  ): void {
    const verb = isTrial ? "would move" : "moves";
    for (const { vm, from, to, reason } of moves) {
      log.info(`${verb} ${vm} from ${from} to ${to}: ${reason}`);
    }
    const open = surveyed.nodes.filter(({ isOpen }) => isOpen).length;
    log.debug(`planned ${moves.length} moves of ${open} nodes: ${reason}`);
    const isStuck = isUnderWay && moves.length === 0;
    const why = isStuck ? [reason, ...stayingOf(surveyed)].join("; ") : "";
    if (why !== this.#stuck && isStuck) {
      const above = Math.round(before.peak * 100);
      log.info(`the busiest node lies ${above} % above the mean, but ${why}`);
    }
    this.#stuck = why;
  }
}

/** How many VMs stay for each reason, as people say it. */
function stayingOf(surveyed: Survey): string[] {
  return Object.entries(staying(surveyed))
    .map(([why, count]) => `${count} stay: ${why}`);
}

function staying({ vms }: Survey): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { stays } of vms) {
    if (stays !== null) counts[stays] = (counts[stays] ?? 0) + 1;
  }
  return counts;
}

/** A plan as it is kept. */
export function planned(
  { moves, before, after, reason }: Plan,
  surveyed: Survey,
): { readonly [key: string]: Json } {
  return {
    reason,
    before: { ...before },
    after: { ...after },
    moves: moves.map(({ vm, from, to, reason }) => ({ vm, from, to, reason })),
    staying: staying(surveyed),
  };
}
