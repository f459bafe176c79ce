/**
 * `uipmgr`: gives VMs addresses out of named ranges, and takes them back.
 *
 * An address is leased before its VM is known, under a token that the VM
 * keeps among its arguments; only who shows that token can bind or end the
 * lease. So whatever breaks off in between, an address is never given twice,
 * and one that nobody has comes back by the comparison at `ctrl_start` and
 * `periodic`.
 *
 * @module
 */
import type {
  EventArgs,
  Manifest,
  Plugin,
  PluginContext,
  PluginTools,
  Vm,
} from "@usher/plugin";
import { formatAddress, parseAddress } from "./address.ts";
import { grant } from "./granting.ts";
import type { LeaseKey, Leases } from "./leases.ts";
import { openStore, type Options, optionsOf } from "./options.ts";
import { type Range, readRanges } from "./range.ts";
import { reconcile } from "./reconcile.ts";
import { MANAGED, TOKEN } from "./vm_args.ts";

/** What this plugin is and asks for. */
export const manifest: Manifest = {
  name: "uipmgr",
  version: "1.0.0",
  api: 1,
  author: "usher",
  description: "Gives VMs addresses out of named ranges",
  permissions: { net: true, read: true },
  ctx: ["vms", "state"],
};

type Context = PluginContext<Options>;

export default (tools: PluginTools): Plugin => {
  let ranges: ReadonlyMap<string, Range> | null = null;
  const known = (ctx: Context) => ranges ??= readRanges(ctx.options.ranges);
  const leasesOf = (ctx: Context) => openStore(ctx, [...known(ctx).values()]);
  const bind = async ([vm]: readonly [Vm, ...unknown[]], ctx: Context) => {
    if (ctx.isReplay) return;
    const leases = await leasesOf(ctx);
    for (const key of keysOf(vm)) {
      if (await leases.bind(key, vm.uid)) continue;
      ctx.log.error(
        `VM "${vm.name}" has address ${
          formatAddress(key)
        } without a lease; see ctrl_start`,
      );
    }
  };
  const compare = async (ctx: Context) => {
    if (!ctx.isReplay) await reconcile(await leasesOf(ctx), ctx);
  };
  return tools.definePlugin({
    options: optionsOf(tools),
    handlers: {
      request([request], ctx) {
        if (request.verb === "start" || !("args" in request)) return;
        refuseManaged(request.args, ctx);
      },
      async start_request([request], ctx) {
        const leases = await leasesOf(ctx);
        return [await grant(request, { ranges: known(ctx), leases }, ctx)];
      },
      register: bind,
      start: bind,
      async start_failure([vm], ctx) {
        if (ctx.isReplay) return;
        // One that was there before goes on having its address.
        const now = await ctx.vms.get(vm.name);
        if (now?.uid !== vm.uid) await giveBack(vm, await leasesOf(ctx), ctx);
      },
      async unregister([vm], ctx) {
        if (!ctx.isReplay) await giveBack(vm, await leasesOf(ctx), ctx);
      },
      ctrl_start: (_args, ctx) => compare(ctx),
      periodic: (_args, ctx) => compare(ctx),
    },
  });
};

/** Arguments that this plugin sets are set by nobody else, or they would prove nothing. */
function refuseManaged(
  args: EventArgs<"start_request">[0]["args"],
  ctx: Context,
): void {
  const given = MANAGED.filter((key) => Object.hasOwn(args, key));
  if (given.length === 0) return;
  ctx.refuse(
    `arguments of addresses are set at a start alone: ${given.join(", ")}`,
    "leave them out",
  );
}

/** The leases that a VM's arguments tell of. */
function keysOf({ args }: Vm): LeaseKey[] {
  const token = args[TOKEN];
  if (token === undefined) return [];
  return [args["ip"], args["ip6"]].flatMap((text) => {
    const address = parseAddress(text ?? "");
    return address === null ? [] : [{ ...address, token }];
  });
}

async function giveBack(vm: Vm, leases: Leases, ctx: Context): Promise<void> {
  for (const key of keysOf(vm)) {
    if (await leases.release(key)) {
      ctx.log.info(`address ${formatAddress(key)} is free`, { vm: vm.name });
    }
  }
}
