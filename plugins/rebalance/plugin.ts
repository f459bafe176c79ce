/**
 * `rebalance`: moves VMs from nodes that are busy to nodes that are not, a few
 * at a time, and says why.
 *
 * Every period it looks, plans (planner.ts) and files what the budget allows as
 * migrations, which pass all other plugins. After a move it waits until what
 * nodes tell of their usage has settled, since a plan made on old numbers moves
 * too much.
 *
 * @module
 */
import type {
  Manifest,
  Plugin,
  PluginContext,
  PluginTools,
} from "@usher/plugin";
import {
  type Entry,
  keepPlan,
  readLedger,
  wasUnderWay,
  writeMoves,
} from "./ledger.ts";
import { type Plan, plan } from "./planner.ts";
import { planned, Reporter } from "./report.ts";
import { look, type Measure, type Seen, survey } from "./survey.ts";

/** What this plugin is and asks for. */
export const manifest: Manifest = {
  name: "rebalance",
  version: "1.0.0",
  api: 1,
  author: "usher",
  description: "Moves VMs from busy nodes to idle ones, within a budget",
  ctx: ["vms", "nodes", "requests", "state"],
  verbs: ["migrate"],
};

const HOUR_MS = 3_600_000;

interface Options {
  readonly start_above: number;
  readonly stop_below: number;
  readonly min_gain: number;
  readonly ceiling: number;
  readonly window: "m1" | "m5" | "m15";
  readonly measure: Measure;
  readonly moves_per_run: number;
  readonly moves_per_hour: number;
  readonly cool_down: number;
  readonly settle: number;
  readonly move_disks: boolean;
  readonly leave: readonly string[];
  readonly dry_run: boolean;
}

type Context = PluginContext<Options>;

export default (tools: PluginTools): Plugin => {
  const reporter = new Reporter();
  return tools.definePlugin({
    options: optionsSchema(tools),
    handlers: {
      periodic: (_args, ctx) => run(ctx, tools, reporter),
    },
  });
};

function optionsSchema({ z, duration, vmPattern }: PluginTools) {
  const share = z.number().min(0, "must be 0 at least").max(
    1,
    "must be 1 at most: it is a share of a node",
  );
  return z.strictObject({
    start_above: share.default(0.15),
    stop_below: share.default(0.08),
    min_gain: share.default(0.01),
    ceiling: share.default(0.85),
    window: z.enum(["m1", "m5", "m15"]).default("m5"),
    measure: z.enum(["machine", "vms"]).default("machine"),
    moves_per_run: z.int().min(1).max(50).default(2),
    moves_per_hour: z.int().min(1).max(1000).default(10),
    cool_down: duration.prefault("1h"),
    settle: duration.prefault("5m"),
    move_disks: z.boolean().default(false),
    leave: z.array(
      z.string().min(1).max(200).refine((text) => {
        try {
          vmPattern(text);
          return true;
        } catch {
          return false;
        }
      }, "is no pattern of names"),
    ).default([]),
    dry_run: z.boolean().default(false),
  }).refine(
    ({ start_above, stop_below }) => stop_below <= start_above,
    {
      path: ["stop_below"],
      message: "must not be above start_above, or it would never come to rest",
    },
  );
}

async function run(
  ctx: Context,
  tools: PluginTools,
  reporter: Reporter,
): Promise<void> {
  const { options } = ctx;
  const now = Date.now();
  const keepMs = Math.max(HOUR_MS, options.cool_down, options.settle);
  const ledger = await readLedger(ctx.state, keepMs, now);
  const seen = await look(ctx, options);
  const wait = whyToWait(ledger, seen, options, now);
  if (wait !== null) {
    ctx.log.debug(`no plan: ${wait}`);
    return;
  }
  const isLeft = options.leave.map((pattern) => tools.vmPattern(pattern));
  const cooling = ledger.filter(({ at }) => now - at < options.cool_down);
  const surveyed = survey(seen, {
    window: options.window,
    measure: options.measure,
    moveDisks: options.move_disks,
    isLeft: (name) => isLeft.some((is) => is(name)),
    cooling: new Set(cooling.map(({ uid }) => uid)),
    pattern: tools.vmPattern,
  });
  const inHour = ledger.filter(({ at }) => now - at < HOUR_MS).length;
  const made = plan(surveyed.nodes, surveyed.vms, {
    startAbove: options.start_above,
    stopBelow: options.stop_below,
    minGain: options.min_gain,
    ceiling: options.ceiling,
    moves: Math.max(
      0,
      Math.min(options.moves_per_run, options.moves_per_hour - inHour),
    ),
  }, await wasUnderWay(ctx.state));
  reporter.tell(made, surveyed, options.dry_run, ctx.log);
  await keepPlan(
    ctx.state,
    {
      at: new Date(now).toISOString(),
      dry_run: options.dry_run,
      ...planned(made, surveyed),
    },
    made.isUnderWay,
  );
  if (!options.dry_run) await carryOut(made, seen, now, ctx);
}

/** Why what is seen now is no ground for a plan; null when it is. */
function whyToWait(
  ledger: readonly Entry[],
  { vms }: Seen,
  { settle }: Options,
  now: number,
): string | null {
  const isMoving = vms.some(({ status }) => status.state === "migrating");
  if (isMoving) return "VMs are on their way";
  const isFresh = ledger.some(({ at }) => now - at < settle);
  return isFresh ? "the last moves have not settled" : null;
}

/** Writes the moves down, then files them. */
async function carryOut(
  { moves }: Plan,
  { vms }: Seen,
  now: number,
  ctx: Context,
): Promise<void> {
  if (moves.length === 0) return;
  const uids = new Map(vms.map(({ name, uid }) => [name, uid]));
  await writeMoves(
    ctx.state,
    ctx.decision,
    moves.map(({ vm }) => ({ at: now, uid: uids.get(vm) ?? vm })),
  );
  for (const { vm, to, reason } of moves) {
    // One that cannot be filed must not keep the others from it.
    await ctx.request(
      { verb: "migrate", names: [vm], to, queue: false },
      vm,
      reason,
    ).catch((error) =>
      ctx.log.warn(`cannot ask for the move of ${vm}: ${error.message}`)
    );
  }
}
