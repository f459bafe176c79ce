/**
 * `placement`: sends VMs to pools of nodes and keeps users within their shares,
 * by edits of what is asked: labels that the node must have.
 *
 * The controller goes on choosing the node, so all that it weighs still counts,
 * and what is decided here holds for a VM as long as it lives, wherever it is
 * moved. The argument `placement` of a VM says why it is where it is.
 *
 * @module
 */
import type {
  Manifest,
  Plugin,
  PluginContext,
  PluginTools,
  RequestValue,
  StartValue,
  VmView,
} from "@usher/plugin";
import {
  added,
  type Holding,
  isHolding,
  NOTHING,
  PendingStarts,
  type Size,
} from "./holdings.ts";
import {
  type Asked,
  firstFor,
  matcher,
  type Matches,
  type Policy,
  policySchema,
  type Share,
} from "./policy.ts";

/** What this plugin is and asks for. */
export const manifest: Manifest = {
  name: "placement",
  version: "1.0.0",
  api: 1,
  author: "usher",
  description: "Sends VMs to pools of nodes, and keeps users to their shares",
  ctx: ["vms"],
};

/** The argument of a VM that says why it is where it is. */
const WHY = "placement";

type Context = PluginContext<Policy>;
type Making = Extract<RequestValue, { verb: "start" | "register" }>;

/** What was decided for the VMs of one owner and cluster. */
interface Verdict {
  readonly pool: string | null;
  readonly why: string;
}

/** A VM that is off and would go on. */
interface Start extends Size {
  readonly name: string;
}

/** What one registration works with. */
interface Tools {
  readonly matches: Matches;
  readonly pending: PendingStarts;
}

export default (tools: PluginTools): Plugin => {
  const matches = matcher(tools);
  const its: Tools = { matches, pending: new PendingStarts() };
  let turn: Promise<unknown> = Promise.resolve();
  return tools.definePlugin({
    options: policySchema(tools, matches),
    handlers: {
      request([request], ctx) {
        if (request.verb !== "register") return;
        return [placed(request, pooled(request, its, ctx), ctx)];
      },
      async start_request([request], ctx) {
        // One after another, or two would see the same room and both take it.
        const decided = turn.then(() => decide(request, its, ctx));
        turn = decided.catch(() => {});
        return [await decided];
      },
    },
  });
};

/** The VMs of a request by `cluster.user`. */
function byCluster({ vms }: Making): Map<string, Making["vms"]> {
  return Map.groupBy(vms, ({ name }) => name.slice(name.indexOf(".") + 1));
}

function askedOf(request: Making, cluster: string): Asked {
  const owner = cluster.slice(cluster.indexOf(".") + 1);
  return { request, cluster, owner };
}

/** What the rules alone say. */
function pooled(
  request: Making,
  { matches }: Tools,
  { options }: Context,
): Verdict[] {
  return [...byCluster(request).keys()].map((cluster) => {
    const asked = askedOf(request, cluster);
    const rule = firstFor(options.rules, asked, matches);
    return rule === undefined
      ? { pool: null, why: "" }
      : { pool: rule.pool, why: `pool "${rule.pool}" by rule "${rule.name}"` };
  });
}

/** The request as rules and shares will have it; counts what is let through. */
async function decide(
  request: StartValue,
  tools: Tools,
  ctx: Context,
): Promise<StartValue> {
  const verdicts = pooled(request, tools, ctx);
  const starts: Start[] = [];
  let at = 0;
  for (const [cluster, vms] of byCluster(request)) {
    const asked = askedOf(request, cluster);
    const share = firstFor(ctx.options.shares, asked, tools.matches);
    if (share !== undefined) {
      const held = await heldBy(asked.owner, tools, ctx);
      const fresh = vms.filter(({ name }) => !held.names.has(name))
        .map(({ name }) => ({ name, ...sizeOf(name, request, held, ctx) }));
      // What the owner's other clusters get by this request counts, too.
      const others = starts.filter(({ name }) =>
        name.endsWith(`.${asked.owner}`)
      );
      const wanted = [...others, ...fresh].reduce(added, held.holding);
      const excess = excessOf(share, held.holding, wanted, asked.owner);
      if (excess !== null && fresh.length > 0) {
        verdicts[at] = beyond(share, excess, ctx);
      }
      starts.push(...fresh);
    }
    at++;
  }
  const answer = placed(request, verdicts, ctx);
  if (ctx.isReplay) return answer;
  for (const start of starts) tools.pending.add(start.name, start, Date.now());
  return answer;
}

/** What an owner's VMs take. */
interface Held {
  readonly holding: Holding;
  /** VMs that are counted in it. */
  readonly names: ReadonlySet<string>;
  readonly all: ReadonlyMap<string, VmView>;
}

async function heldBy(
  owner: string,
  { pending }: Tools,
  ctx: Context,
): Promise<Held> {
  const vms = await ctx.vms.list({ name: `*.*.${owner}` });
  const on = vms.filter(isHolding);
  const seen = new Set(on.map(({ name }) => name));
  const coming = pending.of(owner, seen, Date.now());
  const sizes = [...on.map(({ spec }) => spec), ...coming.values()];
  return {
    holding: sizes.reduce<Holding>(added, NOTHING),
    names: new Set([...seen, ...coming.keys()]),
    all: new Map(vms.map((vm) => [vm.name, vm])),
  };
}

/** What a VM will take: by its record, or by what is asked for a new one. */
function sizeOf(
  name: string,
  { spec }: StartValue,
  { all }: Held,
  { options: { assume } }: Context,
): Size {
  const known = all.get(name)?.spec;
  return {
    memoryMiB: known?.memoryMiB ?? spec.memoryMiB ?? assume.memory,
    vcpus: known?.vcpus ?? spec.vcpus ?? assume.vcpus,
  };
}

/** What of a share would be passed, in words; null when nothing is. */
function excessOf(
  share: Share,
  held: Holding,
  wanted: Holding,
  owner: string,
): string | null {
  const bounds = [
    ["memory", share.memory, held.memoryMiB, wanted.memoryMiB, " MiB"],
    ["vcpus", share.vcpus, held.vcpus, wanted.vcpus, ""],
    ["VMs", share.vms, held.vms, wanted.vms, ""],
  ] as const;
  const passed = bounds.flatMap(([what, most, now, then, unit]) =>
    most === undefined || then <= most ? [] : [
      `${what}: ${now}${unit} held, ${then}${unit} wanted, ${most}${unit} allowed`,
    ]
  );
  return passed.length === 0
    ? null
    : `User "${owner}" passes share "${share.name}" (${passed.join("; ")})`;
}

function beyond(share: Share, excess: string, ctx: Context): Verdict {
  if (share.beyond === "refuse") {
    return ctx.refuse(
      excess,
      "shut VMs down that are not needed, or ask for less",
    );
  }
  const { pool } = share.beyond;
  return { pool, why: `pool "${pool}": ${excess}` };
}

/** The request with the labels of its pool; refuses what contradicts them. */
function placed<R extends Making>(
  request: R,
  verdicts: readonly Verdict[],
  ctx: Context,
): R {
  if (Object.hasOwn(request.args, WHY)) {
    ctx.refuse(
      `Argument "${WHY}" is the site's to give`,
      `leave ${WHY}= out; say what you need by node labels`,
    );
  }
  const pools = new Set(verdicts.map(({ pool }) => pool));
  if (pools.size > 1) {
    const names = [...pools].map((pool) => pool ?? "no pool").join(", ");
    ctx.refuse(
      `The VMs of this request go to different pools: ${names}`,
      "ask for the VMs of each user and cluster in a request of their own",
    );
  }
  const [verdict] = verdicts;
  if (verdict === undefined || verdict.pool === null) return request;
  const { pool, why } = verdict;
  // VMs that exist keep the labels that they were made with.
  if (request.vms.every(({ uid }) => uid !== null)) return request;
  const labels = ctx.options.pools[pool] ?? {};
  const asked = request.spec.placement?.nodeLabels ?? {};
  for (const [key, value] of Object.entries(labels)) {
    if (!Object.hasOwn(asked, key) || asked[key] === value) continue;
    ctx.refuse(
      `Node label ${key}=${asked[key]} contradicts ${why}`,
      `that pool has ${key}=${value}; leave the label out`,
    );
  }
  const nodeLabels = { ...asked, ...labels };
  return {
    ...request,
    ...explained(request, why),
    spec: {
      ...request.spec,
      placement: { ...request.spec.placement, nodeLabels },
    },
  };
}

/** The arguments, with the reason for the VMs that are made. */
function explained(
  { vms, args, vmArgs }: Making,
  why: string,
): Pick<Making, "args"> | Pick<Making, "vmArgs"> {
  const made = vms.filter(({ uid }) => uid === null);
  if (made.length === vms.length) return { args: { ...args, [WHY]: why } };
  const each = made.map(({ name }) =>
    [name, { ...vmArgs[name], [WHY]: why }] as const
  );
  return { vmArgs: { ...vmArgs, ...Object.fromEntries(each) } };
}
