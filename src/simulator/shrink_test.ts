/**
 * Shrinking, of plans that break by a rule of the test's own.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { FAULT_KINDS } from "../schema/simulation.ts";
import { type Plan, planOf } from "./plan.ts";
import type { Deed } from "./deed.ts";
import type { Outcome } from "./run.ts";
import { shrink } from "./shrink.ts";
import type { Invariant } from "./violation.ts";

type Breaks = (plan: Plan) => Invariant | null;

const PLAN = planOf({
  seed: 1,
  nodes: 5,
  vms: 40,
  hours: 1,
  faults: FAULT_KINDS,
});

const END = PLAN.at(-1)!.at;

function request(at: number, names: string[], times = 1): Deed {
  return {
    at,
    type: "request",
    body: { id: `request-${at}`, verb: "start", names },
    times,
  };
}

/** Shrinks `plan`, which `breaks`, within `most` runs. */
async function shrunk(
  plan: Plan,
  breaks: Breaks,
  { most = Infinity, at = END, idle = [] as readonly Deed[] } = {},
) {
  const progress: number[] = [];
  let runs = 0;
  const outcomeOf = (of: Plan): Outcome => {
    const invariant = breaks(of);
    return {
      violation: invariant === null ? null : { invariant, text: "it broke" },
      at,
      events: of.length,
      operations: 0,
      history: "",
      idle: new Set(idle),
    };
  };
  const { plan: left, outcome } = await shrink(
    { plan, outcome: outcomeOf(plan) },
    {
      run: (of) => {
        runs++;
        return Promise.resolve(outcomeOf(of));
      },
      isOver: () => runs >= most,
      onProgress: (deeds) => void progress.push(deeds),
    },
  );
  return { left, outcome, runs, progress };
}

/** Breaks "capacity" as long as all of `deeds` are there. */
function needs(...deeds: readonly Deed[]): Breaks {
  return (plan) =>
    deeds.every((deed) => plan.includes(deed)) ? "capacity" : null;
}

Deno.test("shrink() leaves nothing but what is needed, wherever that stands", async () => {
  const needed = [3, 4, 150, PLAN.length - 1].map((i) => PLAN[i]!);
  const { left, outcome, runs, progress } = await shrunk(
    PLAN,
    needs(...needed),
  );
  deepStrictEqual(left, needed);
  strictEqual(outcome.violation?.invariant, "capacity");
  strictEqual(runs < PLAN.length, true, `${runs} runs`);
  deepStrictEqual(progress.toSorted((a, b) => b - a), progress);
});

Deno.test("shrink() leaves out at once what changed nothing, and what came after it broke", async () => {
  const kept = PLAN.filter((_, i) => i % 2 === 0);
  const idle = PLAN.filter((_, i) => i % 2 === 1);
  const at = kept[20]!.at;
  const before = kept.filter((deed) => deed.at <= at);
  const { left } = await shrunk(PLAN, needs(...before), { idle, at, most: 1 });
  deepStrictEqual(left, before);
});

Deno.test("shrink() tries each deed alone again when others have gone", async () => {
  // Of two that go together either may go, and only then the third.
  const [a, b, c] = [PLAN[10]!, PLAN[20]!, PLAN[30]!];
  const breaks: Breaks = (plan) => {
    const has = (deed: Deed) => plan.includes(deed);
    return has(b) && (has(a) || !has(c)) ? "truth" : null;
  };
  deepStrictEqual((await shrunk([a, b, c], breaks)).left, [b]);
});

Deno.test("shrink() takes no other invariant for the one that broke, and answers the best when its time is over", async () => {
  const needed = [PLAN[5]!, PLAN[100]!];
  const other: Breaks = (plan) => needs(...needed)(plan) ?? "rests";
  deepStrictEqual((await shrunk(PLAN, other)).left, needed);
  const { left, runs } = await shrunk(PLAN, other, { most: 4 });
  strictEqual(runs, 4);
  strictEqual(left.length < PLAN.length, true);
  strictEqual(other(left), "capacity");
  deepStrictEqual((await shrunk(PLAN, other, { most: 0 })).left, PLAN);
});

Deno.test("shrink() asks of no more VMs than needed, and once", async () => {
  const plan = [request(1, ["a", "b", "c"], 3), request(2, ["a"])];
  const breaks: Breaks = (of) =>
    of.some((deed) => deed.type === "request" && deed.body.names.includes("b"))
      ? "ends"
      : null;
  const { left } = await shrunk(plan, breaks);
  deepStrictEqual(left, [request(1, ["b"])]);
});
