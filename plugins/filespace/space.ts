/**
 * The space of a VM: made before it starts, removed when it goes, whatever
 * happens in between.
 *
 * Both look first and do what is missing, so that they may be called again
 * after any crash.
 *
 * @module
 */
import type { PluginContext } from "@usher/plugin";
import {
  type Claim,
  claim,
  claimOn,
  claimsBeside,
  giveUp,
  ownerOf,
} from "./claims.ts";
import {
  DiskFault,
  freeOn,
  isThere,
  make,
  makeWay,
  sizeOf,
  unmake,
} from "./disk.ts";
import type { Item, Options } from "./rule.ts";

/** VMs whose space is being removed: uid to name. */
const REMOVING = "removing/";

type Context = PluginContext<Options>;

/** A VM with a uid. */
export interface Known {
  readonly name: string;
  readonly uid: string;
}

/** Makes what is missing of `items` for a VM. Throws `DiskFault`. */
export async function prepare(
  vm: Known,
  items: readonly Item[],
  ctx: Context,
): Promise<void> {
  for (const item of items) await prepareOne(vm, item, ctx);
}

async function prepareOne(vm: Known, item: Item, ctx: Context): Promise<void> {
  const { name, uid } = vm;
  const { root, path } = item;
  await makeWay(item);
  if (!item.keep) await clear(vm, item, ctx);
  // What is there and nobody's stays nobody's.
  if (await isThere(path)) return;
  const mib = item.base === null ? 0 : await sizeOf(item.base);
  await checkRoom(name, [{ ...item, mib }], ctx);
  if (!item.keep) await claim(ctx.state, { uid, name, root, path, mib });
  await make(item, uid, ctx.signal);
  ctx.log.info(`made "${path}" for ${name}`);
}

/** Removes what an earlier VM of the same name has left at the place of an item. */
async function clear(
  { name, uid }: Known,
  item: Item,
  ctx: Context,
): Promise<void> {
  const its = await claimOn(ctx.state, name, item.path);
  if (its === null || its.uid === uid) return;
  if (its.name !== name) {
    throw new DiskFault(`"${item.path}" belongs to VM "${its.name}"`);
  }
  // Names are given once at a time: the VM that had this one is gone.
  ctx.log.info(`removes "${item.path}" of an earlier ${name}`);
  await unmake(item, its.uid);
  await giveUp(ctx.state, its);
}

/**
 * Removes what was made for a VM, and nothing that is another's by now. What is
 * begun is kept on record until it is done, for `finish`.
 */
export async function remove(vm: Known, ctx: Context): Promise<void> {
  const claims = (await claimsBeside(ctx.state, vm.name))
    .filter(({ uid }) => uid === vm.uid);
  if (claims.length === 0) return await ctx.state.delete(REMOVING + vm.uid);
  await ctx.state.set(REMOVING + vm.uid, vm.name);
  for (const its of claims) {
    await unmake(itemOf(its), vm.uid);
    await giveUp(ctx.state, its);
    ctx.log.info(`removed "${its.path}" of ${vm.name}`);
  }
  await ctx.state.delete(REMOVING + vm.uid);
}

/** Ends the removals that a crash, or a share out of reach, has left unfinished. */
export async function finish(ctx: Context): Promise<void> {
  for (const { key, value } of await ctx.state.list(REMOVING)) {
    const vm = { uid: key.slice(REMOVING.length), name: String(value) };
    await remove(vm, ctx).catch((error) =>
      ctx.log.warn(`cannot remove the space of ${vm.name}: ${error.message}`)
    );
  }
}

/** A path to remove; the options may not speak of it any more. */
function itemOf({ root, path }: Claim): Item {
  return {
    root,
    path,
    base: null,
    mode: null,
    owner: null,
    keep: false,
    attach: null,
  };
}

/** What is to be made, with the size of its image. */
export interface Planned extends Item {
  readonly mib: number;
}

/** The items that are not there yet, with their sizes. Throws `DiskFault`. */
export async function missing(items: readonly Item[]): Promise<Planned[]> {
  const planned: Planned[] = [];
  for (const item of items) {
    if (await isThere(item.path)) continue;
    const mib = item.base === null ? 0 : await sizeOf(item.base);
    planned.push({ ...item, mib });
  }
  return planned;
}

/** Throws `DiskFault` when the quota of a VM's owner, or what is free, is too little. */
export async function checkRoom(
  name: string,
  planned: readonly Planned[],
  { options: { quota, reserve }, state }: Context,
): Promise<void> {
  const wanted = planned.filter(({ keep }) => !keep)
    .reduce((sum, { mib }) => sum + mib, 0);
  if (quota !== undefined && wanted > 0) {
    const held = (await claimsBeside(state, name))
      // A path that is claimed and made anew must not count twice.
      .filter(({ path }) => planned.every((item) => item.path !== path))
      .reduce((sum, { mib }) => sum + mib, 0);
    if (held + wanted > quota) {
      throw new DiskFault(
        `User "${
          ownerOf(name)
        }" has ${held} MiB of images and wants ${wanted} MiB more: ${quota} MiB are allowed`,
      );
    }
  }
  if (reserve === undefined) return;
  for (const root of new Set(planned.map((item) => item.root))) {
    const free = await freeOn(root);
    const taken = planned.filter((item) => item.root === root)
      .reduce((sum, { mib }) => sum + mib, 0);
    if (free - taken >= reserve) continue;
    throw new DiskFault(
      `"${root}" has ${free} MiB free, and ${reserve} MiB must stay so`,
    );
  }
}
