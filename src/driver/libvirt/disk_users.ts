/**
 * Which domains use which files, those of others included: libvirt's own words
 * name none.
 *
 * @module
 */
import type { VmSpec } from "../../schema/vm.ts";
import { type DiskUser, holderOf } from "../disk_holder.ts";
import type { Book } from "./book.ts";
import type { DiskHolder } from "./start_error.ts";

/**
 * Who uses `disk` of those that are up, by the files that they were started with;
 * never `uid`, which libvirt may show while it tries to start it.
 */
export function diskHolder(
  book: Book,
  disk: string,
  uid: string,
): DiskHolder | null {
  const vm = holderOf(ofOurs(book, uid), disk);
  if (vm !== null) return { name: vm, isVm: true };
  const name = holderOf(book.foreignDiskUsers(), disk);
  return name === null ? null : { name, isVm: false };
}

function ofOurs({ domains }: Book, uid: string): DiskUser[] {
  return [...domains.values()]
    .filter(({ isUp, handle }) => isUp && handle.uid !== uid)
    .map(({ handle: { name, spec } }) => ({ name, disks: filesOf(spec) }));
}

function filesOf(spec: VmSpec | null): string[] {
  return (spec?.disks ?? []).flatMap(({ path, base }) => path ?? base ?? []);
}
