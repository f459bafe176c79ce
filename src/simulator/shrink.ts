/**
 * Finding a shorter history of what broke: the plan is run again and again with
 * parts of it left out, for as long as the same invariant breaks.
 *
 * What is left need not be the shortest there is, since what is left out
 * changes the order of all that follows; but each deed of it was tried alone
 * and is needed, unless the time was over before.
 *
 * @module
 */
import type { Outcome } from "./run.ts";
import type { Plan } from "./plan.ts";
import type { Deed } from "./deed.ts";

/** A plan, and what came of it. */
export interface Broken {
  readonly plan: Plan;
  readonly outcome: Outcome;
}

type RequestDeed = Extract<Deed, { type: "request" }>;

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
  parts: ShrinkParts,
): Promise<Broken> {
  const search = new Search(broken, parts);
  const { idle } = broken.outcome;
  await search.thin((plan) => [plan.filter((deed) => idle.has(deed))]);
  await search.thin(bySubject);
  await search.thin((plan) => plan.map((deed) => [deed]));
  await search.simplify();
  return search.best;
}

/** The shortest so far, and what is tried on it. */
class Search {
  best: Broken;
  readonly #invariant: string | undefined;
  readonly #parts: ShrinkParts;

  constructor(broken: Broken, parts: ShrinkParts) {
    this.best = cut(broken);
    this.#invariant = broken.outcome.violation?.invariant;
    this.#parts = parts;
  }

  /**
   * Leaves out groups of deeds, many at once and then each alone, until a pass
   * over every one of them left nothing out.
   */
  async thin(groupsOf: (plan: Plan) => Deed[][]): Promise<void> {
    const count = groupsOf(this.best.plan).length;
    for (let size = Math.ceil(count / 2); size > 0;) {
      const before = this.best.plan.length;
      await this.#pass(groupsOf(this.best.plan), size);
      if (this.#parts.isOver()) return;
      if (size > 1) size = Math.ceil(size / 2);
      else if (this.best.plan.length === before) return;
    }
  }

  /** Asks less in the requests that are left: of fewer VMs, and once. */
  async simplify(): Promise<void> {
    for (const deed of this.best.plan) {
      let now = deed;
      for (const simpler of simplerThan(deed)) {
        const next = simpler(now);
        if (isSame(next, now)) continue;
        const plan = this.best.plan.map((one) => one === now ? next : one);
        if (await this.#try(plan)) now = next;
      }
    }
  }

  async #pass(groups: readonly Deed[][], size: number): Promise<void> {
    for (let from = 0; from < groups.length; from += size) {
      const out = new Set(groups.slice(from, from + size).flat());
      const plan = this.best.plan.filter((deed) => !out.has(deed));
      // What was cut off meanwhile is gone already.
      if (plan.length < this.best.plan.length) await this.#try(plan);
    }
  }

  async #try(plan: Plan): Promise<boolean> {
    if (this.#parts.isOver()) return false;
    const outcome = await this.#parts.run(plan);
    const breaks = outcome.violation?.invariant === this.#invariant;
    if (breaks) this.best = cut({ plan, outcome });
    this.#parts.onProgress(this.best.plan.length);
    return breaks;
  }
}

function isSame(a: Deed, b: Deed): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Without what would come after it broke. */
function cut({ plan, outcome }: Broken): Broken {
  return { plan: plan.filter(({ at }) => at <= outcome.at), outcome };
}

/** The deeds that are about the same VM, or the same node, or neither. */
function bySubject(plan: Plan): Deed[][] {
  return [...Map.groupBy(plan, subjectOf).values()];
}

function subjectOf(deed: Deed): string {
  switch (deed.type) {
    case "request":
      return deed.body.names.join(" ");
    case "cancel":
      return "cancel";
    case "node":
      return deed.node;
    case "guest":
      return deed.vm;
    case "fault":
      return "node" in deed.fault ? deed.fault.node : deed.fault.type;
  }
}

/** Ways to ask less than `deed` does, each on top of those before. */
function simplerThan(deed: Deed): ((deed: Deed) => Deed)[] {
  if (deed.type !== "request") return [];
  const fewer = deed.body.names.map((name) => (now: Deed) =>
    now.type === "request" ? without(name, now) : now
  );
  const once = (now: Deed): Deed =>
    now.type === "request" ? { ...now, times: 1 } : now;
  return [...fewer, once];
}

/** A request that asks one VM less; itself when that is the only one. */
function without(name: string, deed: RequestDeed): Deed {
  const names = deed.body.names.filter((one) => one !== name);
  return names.length === 0 ? deed : { ...deed, body: { ...deed.body, names } };
}
