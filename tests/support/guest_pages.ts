/**
 * The memory of a guest as its QEMU has it, read from outside: of two that are to
 * be the same, where they are not. Both stand still meanwhile.
 *
 * @module
 */
const MIB = 1024 * 1024;
const PAGE_BYTES = 4096;
const WORDS = PAGE_BYTES / BigUint64Array.BYTES_PER_ELEMENT;

/** The pages in which the guests of two QEMUs differ, by their number in hexadecimal, and in how many words. `memoryMiB` is what both guests have. */
export function differingPages(
  pids: readonly [number, number],
  memoryMiB: number,
): string[] {
  const [one, other] = pids.map((pid) => readMemory(pid, memoryMiB));
  const pages: string[] = [];
  for (let start = 0; start < one!.length; start += WORDS) {
    let words = 0;
    for (let i = start; i < start + WORDS; i++) {
      if (one![i] !== other![i]) words++;
    }
    if (words > 0) pages.push(`${(start / WORDS).toString(16)}: ${words}`);
  }
  return pages;
}

function readMemory(pid: number, memoryMiB: number): BigUint64Array {
  using file = Deno.openSync(`/proc/${pid}/mem`);
  file.seekSync(guestRam(pid, memoryMiB), Deno.SeekMode.Start);
  const bytes = new Uint8Array(memoryMiB * MIB);
  for (let at = 0; at < bytes.length;) {
    const count = file.readSync(bytes.subarray(at));
    if (count === null) throw new Error(`process ${pid} has no more memory`);
    at += count;
  }
  return new BigUint64Array(bytes.buffer);
}

/** Where QEMU has it: in the one part of its memory that is as large. See proc(5), `/proc/pid/maps`. */
function guestRam(pid: number, memoryMiB: number): number {
  const size = memoryMiB * MIB;
  const found = Deno.readTextFileSync(`/proc/${pid}/maps`).split("\n")
    .map((line) => /^(\w+)-(\w+) rw-p/.exec(line))
    .filter((match) => match !== null)
    .map(([, from = "", to = ""]) => [parseInt(from, 16), parseInt(to, 16)])
    .filter(([from = 0, to = 0]) =>
      to - from >= size && to - from < size + MIB
    );
  const [first, ...more] = found;
  if (first?.[0] === undefined || more.length > 0) {
    throw new Error(`process ${pid} has ${found.length} parts of that size`);
  }
  return first[0];
}
