/**
 * `filespace`: makes the folders and images of a VM before it starts, and
 * removes them when it is unregistered, on storage that the controller's
 * machine shares with the nodes.
 *
 * What can be refused is refused at `start_request`, where its user is told.
 * What is made is made at `register`, when the VM has a uid that is its own, and
 * at `start_request` for a VM that exists and lacks something.
 *
 * @module
 */
import type {
  Manifest,
  Plugin,
  PluginContext,
  PluginTools,
  RequestValue,
  Vm,
} from "@usher/plugin";
import { ownerOf } from "./claims.ts";
import { DiskFault } from "./disk.ts";
import {
  BadPath,
  type Item,
  itemsFor,
  type Options,
  optionsSchema,
} from "./rule.ts";
import {
  checkRoom,
  finish,
  missing,
  type Planned,
  prepare,
  remove,
} from "./space.ts";

/** What this plugin is and asks for. What it gets of files the grants say. */
export const manifest: Manifest = {
  name: "filespace",
  version: "1.0.0",
  api: 1,
  author: "usher",
  description: "Makes the folders and images of VMs, and removes them",
  permissions: { read: true, write: true, sys: ["statfs"] },
  ctx: ["vms", "state"],
};

type Context = PluginContext<Options>;
/** A request that may make VMs. */
type Making = Extract<RequestValue, { verb: "start" | "register" }>;
type Items = (
  vm: { readonly name: string; readonly args: Vm["args"] },
  ctx: Context,
) => Item[];

export default (tools: PluginTools): Plugin => {
  const patterns = new Map<string, (name: string) => boolean>();
  const items: Items = ({ name, args }, { options }) =>
    itemsFor(options, { name, args }, (pattern, its) => {
      const test = patterns.get(pattern) ?? tools.vmPattern(pattern);
      patterns.set(pattern, test);
      return test(its);
    });
  return tools.definePlugin({
    options: optionsSchema(tools),
    handlers: {
      async request([request], ctx) {
        // No event of its own asks about VMs that are only registered.
        if (request.verb !== "register") return;
        return [await refusing(ctx, () => asked(request, items, ctx))];
      },
      async start_request([request], ctx) {
        return [await refusing(ctx, () => asked(request, items, ctx))];
      },
      async register([vm], ctx) {
        if (ctx.isReplay || vm.found) return;
        await prepare(vm, items(vm, ctx), ctx);
      },
      async start_failure([vm], ctx) {
        if (ctx.isReplay || await isKept(vm, ctx)) return;
        await remove({ name: vm.name, uid: vm.uid }, ctx);
      },
      async unregister([vm], ctx) {
        if (!ctx.isReplay) await remove(vm, ctx);
      },
      async ctrl_start(_args, ctx) {
        if (!ctx.isReplay) await finish(ctx);
      },
      async periodic(_args, ctx) {
        if (!ctx.isReplay) await finish(ctx);
      },
    },
  });
};

/** A VM whose start failed keeps what it has, unless it is gone or never ran. */
async function isKept(vm: Vm, ctx: Context): Promise<boolean> {
  if (vm.status.incarnation !== null || vm.status.observedGeneration > 0) {
    return true;
  }
  return (await ctx.vms.get(vm.name))?.uid === vm.uid;
}

/** Checks and completes a request, and prepares VMs that exist. */
async function asked<R extends Making>(
  request: R,
  items: Items,
  ctx: Context,
): Promise<R> {
  const made = request.vms.filter(({ uid }) => uid === null);
  const planned = new Map<string, Planned[]>();
  const disks: Item[] = [];
  for (const { name } of made) {
    const args = { ...request.args, ...request.vmArgs[name] };
    const its = items({ name, args }, ctx);
    disks.push(...its.filter(({ attach }) => attach !== null));
    const more = await missing(its);
    const owner = ownerOf(name);
    planned.set(owner, [...planned.get(owner) ?? [], ...more]);
  }
  for (const [owner, its] of planned) await checkRoom(owner, its, ctx);
  for (const { name, uid } of request.vms) {
    // A plan, or an event that is played again, makes nothing.
    if (uid === null || ctx.isReplay) continue;
    const args = { ...(await ctx.vms.get(name))?.args, ...request.args };
    await prepare({ name, uid }, items({ name, args }, ctx), ctx);
  }
  return attached(request, disks, ctx);
}

/** The request with the disks that were made for its one new VM. */
function attached<R extends Making>(
  request: R,
  disks: readonly Item[],
  ctx: Context,
): R {
  if (disks.length === 0) return request;
  if (request.vms.length > 1) {
    ctx.refuse(
      "Each of these VMs gets a disk of its own, and one request gives all the same",
      "start them one at a time",
    );
  }
  const asked = request.spec.disks ?? [];
  const more = disks.filter(({ path }) =>
    asked.every((disk) => disk.path !== path)
  ).map(({ path, attach }) => ({
    path,
    format: attach ?? "qcow2",
    readonly: false,
    shared: true,
  }));
  return { ...request, spec: { ...request.spec, disks: [...more, ...asked] } };
}

/** Lets the user know what cannot be made, as a refusal. */
async function refusing<T>(ctx: Context, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DiskFault || error instanceof BadPath) {
      return ctx.refuse(error.message);
    }
    throw error;
  }
}
