/**
 * What a soak came to, for people: as a page of the documentation, and in
 * short.
 *
 * @module
 */
import type { Soaked } from "./soak.ts";

/** A line or two. */
export function summary(
  { seed, seconds, rounds, requests, ends, blows }: Soaked,
): string {
  return [
    `seed ${seed}: ${rounds} rounds in ${seconds.toFixed(0)} s, ` +
    `${requests} requests, ${total(ends)} operations, ${total(blows)} blows`,
    ...[...ends].toSorted().map(([end, count]) => `  ${end} ${count}`),
  ].join("\n");
}

/** `docs/soak.md`. */
export function page(soaked: Soaked, date: string, machine: string): string {
  const { seed, seconds, rounds, vms, requests, ends, blows, growth } = soaked;
  return `# The last soak

Written by the run itself (\`deno task test:long\`). Random verbs on ${vms} VMs, two of
the four nodes with simulated guests and two with real ones under QEMU, while the
controller and the nodes are killed (SIGKILL) and frozen (SIGSTOP) at random. Each
round ends in a quiet point, where every operation that was accepted must have ended,
every VM must be accounted for, no VM may have two QEMUs or none where it should run,
and neither memory nor descriptors may grow from the first half of the run to the
second. The same seed asks for the same in the same order:
\`USHER_SOAK_SEED=${seed} deno task test:long\`.

| | |
|---|---|
| date | ${date} |
| machine | ${machine} |
| seed | ${seed} |
| length | ${Math.round(seconds / 60)} minutes, ${rounds} rounds |
| requests, operations | ${requests}, ${total(ends)} |
| blows | ${total(blows)} |
| lost, stuck, doubled | 0, 0, 0 |

## How operations ended

An operation that a VM's state forbids fails, and says so; that is an end, too.

${table(["verb and end", "operations"], [...ends].toSorted())}

## Who was struck

${table(["role and blow", "times"], [...blows].toSorted())}

## Memory and descriptors

Medians of the first and of the second half of the quiet points.

${
    table(
      ["role", "RSS, MiB", "descriptors"],
      growth.map(({ role, rssMiB: [a, b], descriptors: [c, d] }) => [
        role,
        `${a.toFixed(0)}, then ${b.toFixed(0)}`,
        `${c}, then ${d}`,
      ]),
    )
  }
`;
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function table(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  return [head, head.map(() => "---"), ...rows]
    .map((row) => `| ${row.join(" | ")} |`).join("\n");
}
