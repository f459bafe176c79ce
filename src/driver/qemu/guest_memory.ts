/**
 * How much memory QEMU gives a guest.
 *
 * An emulated guest gets a little more than its spec says, so that it can move
 * while it runs. QEMU looks for the pages that were written since it sent them,
 * and before 9.0 it takes a short cut through memory whose size is a multiple of
 * 64 pages: it forgets to have the emulated processor note the next writes anew
 * ("physmem: Fix migration dirty bitmap coherency with TCG memory access", QEMU
 * 9.0). Such a guest arrives with some pages as they were a moment ago. Any other
 * size is gone through page by page, which forgets nothing (decision 0133).
 *
 * @module
 */
import type { VmSpec } from "../../schema/vm.ts";
import type { Accel } from "./accel.ts";

const KIB_PER_MIB = 1024;
/** What QEMU rounds a size up to. */
const MORE_KIB = 8;
/** 64 pages: a word of QEMU's bitmaps. */
const WORD_KIB = 256;

/** The memory of a guest that is started, in KiB. */
export function memoryKiBOf({ memoryMiB }: VmSpec, accel: Accel): number {
  return memoryMiB * KIB_PER_MIB + (accel === "tcg" ? MORE_KIB : 0);
}

/** Whether a guest with so much memory may lose some of it when it moves while it runs. */
export function losesPages(memoryKiB: number, accel: Accel): boolean {
  return accel === "tcg" && memoryKiB % WORD_KIB === 0;
}
