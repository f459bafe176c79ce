/**
 * The comparison of leases with the VMs that there are: what nobody has comes
 * back, and what somebody has is written down.
 *
 * Leases are read first, then which requests are still awaited, then VMs: a
 * lease of a request that is not awaited, whose VM is not among those that are
 * read later, has none any more. A request that is sent again after that look takes
 * its lease anew, and what was seen before then ends nothing.
 *
 * @module
 */
import type { PluginContext, VmView } from "@usher/plugin";
import { allVms } from "../shared/all_vms.ts";
import { formatAddress, parseAddress } from "./address.ts";
import type { Lease, Leases, Want } from "./leases.ts";
import type { Options } from "./options.ts";
import { isIn, readRanges } from "./range.ts";
import { TOKEN } from "./vm_args.ts";

type Context = PluginContext<Options>;

/** How many requests are asked about at once; the others wait for the next look. */
const MAX_ASKED = 1000;
/** How many leases are written down at once: each time all of their pool are read. */
const MANY = 500;
/** How many changes of leases go side by side. */
const SIDE_BY_SIDE = 8;

/** Compares, and puts right what differs. */
export async function reconcile(leases: Leases, ctx: Context): Promise<void> {
  const all = await leases.list();
  const over = await requestsOver(all, ctx);
  const vms = await allVms(ctx.vms);
  const byToken = new Map(
    vms.flatMap((vm) => {
      const token = vm.args[TOKEN];
      return token === undefined ? [] : [[token, vm] as const];
    }),
  );
  const byUid = new Map(vms.map((vm) => [vm.uid, vm]));
  let freed = 0;
  await sideBySide(all, async (lease) => {
    const vm = byToken.get(lease.token);
    if (vm !== undefined && isHeldBy(lease, vm)) {
      if (lease.uid !== vm.uid) await leases.bind(lease, vm.uid);
    } else if (isOver(lease, byUid, over, ctx.options.pending)) {
      if (await leases.releaseSeen(lease)) freed++;
    }
  });
  if (freed > 0) ctx.log.info(`${freed} addresses that nobody had are free`);
  await adopt(leases, { all, vms }, ctx);
}

/**
 * Ends those leases of `isMeant` whose request has come to nothing, be it that
 * another plugin refused it, or that it broke off; how many.
 */
export async function freeUnneeded(
  leases: Leases,
  isMeant: (lease: Lease) => boolean,
  ctx: Context,
): Promise<number> {
  const all = (await leases.list()).filter((lease) =>
    lease.uid === null && isMeant(lease)
  );
  const over = await requestsOver(all, ctx);
  let freed = 0;
  for (const lease of all) {
    if (lease.request === null || !over.has(lease.request)) continue;
    const vm = await ctx.vms.get(lease.vm);
    if (vm?.args[TOKEN] === lease.token) continue;
    if (await leases.releaseSeen(lease)) freed++;
  }
  return freed;
}

/** The requests of leases without a VM that make none any more. */
async function requestsOver(
  leases: readonly Lease[],
  ctx: Context,
): Promise<Set<string>> {
  const over = new Set<string>();
  const ids = new Set(
    leases.flatMap(({ uid, request }) =>
      uid === null && request !== null ? [request] : []
    ),
  );
  for (const id of [...ids].slice(0, MAX_ASKED)) {
    if (!await ctx.vms.isAwaited(id)) over.add(id);
  }
  return over;
}

/** Whether the VM has this very address by its arguments. */
function isHeldBy({ family, value }: Lease, vm: VmView): boolean {
  return [vm.args["ip"], vm.args["ip6"]].some((text) => {
    const address = parseAddress(text ?? "");
    return address?.family === family && address.value === value;
  });
}

/** Whether a lease that no VM shows will never have one. */
function isOver(
  { uid, at, request }: Lease,
  byUid: ReadonlyMap<string, VmView>,
  over: ReadonlySet<string>,
  pendingMs: number,
): boolean {
  const vm = byUid.get(uid ?? "");
  if (uid !== null && vm === undefined) return true;
  if (uid === null && request !== null) return over.has(request);
  // The start that it was given for may wait behind another operation.
  const mayWait = vm !== undefined && vm.holder !== null;
  return !mayWait && Date.now() - at >= pendingMs;
}

/** Writes down what VMs have and no lease tells of: the database is another than before. */
async function adopt(
  leases: Leases,
  { all, vms }: {
    readonly all: readonly Lease[];
    readonly vms: readonly VmView[];
  },
  ctx: Context,
): Promise<void> {
  const byAddress = new Map(all.map((it) => [formatAddress(it), it]));
  const isKnown = ({ pool, exactly, token }: Exact) =>
    byAddress.get(formatAddress({ family: pool.family, value: exactly }))
      ?.token === token;
  const wants = wantsOf(vms, ctx).filter((want) => !isKnown(want));
  for (let at = 0; at < wants.length; at += MANY) {
    const some = wants.slice(at, at + MANY);
    const taken = await leases.take(some, Date.now());
    for (
      const [i, { pool: { family }, exactly: value, vm }] of some.entries()
    ) {
      if (taken[i]?.value === value) continue;
      const address = formatAddress({ family, value });
      ctx.log.error(
        `VM "${vm}" has address ${address}, which is leased to "${
          byAddress.get(address)?.vm ?? "another site"
        }"`,
      );
    }
  }
}

/** A lease of one address and no other. */
type Exact = Want & { readonly exactly: bigint };

/** The leases of all addresses that VMs have by their arguments, of ranges that there are. */
function wantsOf(vms: readonly VmView[], { options }: Context): Exact[] {
  const ranges = readRanges(options.ranges);
  return vms.flatMap(({ name, uid, args }) => {
    const token = args[TOKEN];
    const range = ranges.get(args["range"] ?? "");
    if (token === undefined || range === undefined) return [];
    return [args["ip"], args["ip6"]].flatMap((text): Exact[] => {
      const address = parseAddress(text ?? "");
      const pool = range.pools.find((it) => it.family === address?.family);
      if (address === null || pool === undefined) return [];
      const { value: exactly } = address;
      if (!isIn(pool, exactly)) return [];
      return [{ pool, token, vm: name, uid, request: null, exactly }];
    });
  });
}

/** Does `work` with each, some at a time. */
async function sideBySide<T>(
  all: readonly T[],
  work: (one: T) => Promise<void>,
): Promise<void> {
  const left = all.values();
  const workers = Array.from({ length: SIDE_BY_SIDE }, async () => {
    for (const one of left) await work(one);
  });
  await Promise.all(workers);
}
