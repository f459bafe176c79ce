/**
 * What the comparison of all names goes by: the VMs that there are, and what
 * the zones have, read once for all of them.
 *
 * Both age while it goes on. Of a VM that an event was told of since then
 * nothing is done: the event did it, by the record that it found.
 *
 * @module
 */
import type { PluginContext, VmView } from "@usher/plugin";
import { allVms } from "../shared/all_vms.ts";
import { pageOf } from "./book.ts";
import { addressesOf, claimsOf, type NameOptions } from "./claims.ts";
import { NotReadable } from "./name_server.ts";
import type { Names } from "./names.ts";
import { Watch } from "./turns.ts";
import { ReadZones } from "./read_zones.ts";

type Context = PluginContext<{ readonly transfer: boolean }>;

/** What was read. */
export interface Survey extends Disposable {
  readonly vms: number;
  /** VMs by the page of the book that they stand in. */
  readonly byPage: ReadonlyMap<string, readonly VmView[]>;
  /** The zones; null where they are not read as a whole. */
  readonly zones: ReadZones | null;
  /** Whether something was done for a VM since it was read. */
  isTouched(uid: string): boolean;
}

/** Reads it. Throws while the server cannot be asked. */
export async function survey(names: Names, ctx: Context): Promise<Survey> {
  const watch = new Watch();
  try {
    const vms = await allVms(ctx.vms);
    const zones = ctx.options.transfer
      ? await readZones(names, vms, ctx)
      : null;
    return {
      vms: vms.length,
      byPage: Map.groupBy(vms, ({ uid }) => pageOf(uid)),
      zones,
      isTouched: (uid) => watch.has(uid),
      [Symbol.dispose]: () => watch[Symbol.dispose](),
    };
  } catch (error) {
    watch[Symbol.dispose]();
    throw error;
  }
}

/** Names that VMs should have. */
export function wantedBy(
  vms: readonly VmView[],
  options: NameOptions,
): Set<string> {
  return new Set(
    vms.flatMap((vm) =>
      claimsOf(vm.name, addressesOf(vm, options, () => {}), options)
    ).map(({ name }) => name),
  );
}

async function readZones(
  names: Names,
  vms: readonly VmView[],
  ctx: Context,
): Promise<ReadZones | null> {
  const { zone, reverse_zones } = names.options;
  const wanted = wantedBy(vms, names.options);
  try {
    return await ReadZones.read(
      names.server,
      new Set([zone, ...reverse_zones]),
      { wanted, signal: ctx.signal },
    );
  } catch (error) {
    if (!(error instanceof NotReadable)) throw error;
    ctx.log.warn(`${error.message}: only the plugin's own book is compared`);
    return null;
  }
}
