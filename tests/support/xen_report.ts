/**
 * What a run in the Xen lab came to, as a page of the documentation.
 *
 * @module
 */
import { type Column, renderMatrix } from "../conformance/driver/matrix.ts";
import type { Figure } from "./xen_figures.ts";

/** What a run came to. */
export interface LabRun {
  readonly date: string;
  readonly machine: string;
  /** Packages and their versions. */
  readonly versions: ReadonlyMap<string, string>;
  /** Steps of lives that passed, in their order. */
  readonly steps: readonly {
    readonly name: string;
    readonly seconds: number;
  }[];
  /** What the driver suite found. */
  readonly column: Column;
  readonly figures: readonly Figure[];
}

/** `docs/xen-lab.md`. */
export function page(run: LabRun): string {
  const { date, machine, versions, steps, column, figures } = run;
  return `# The last run in the Xen lab

Written by the run itself (\`deno task test:xen\`), when all of it has passed. The lab is
the real hypervisor with a dom0 of Debian's packages, one host or two on a private
network, each inside QEMU: \`scripts/xen_lab/build.sh\` makes it and
\`scripts/xen_lab.ts\` boots it for people who want to look into it. The executable alone
is copied into each dom0 and joins a controller outside with a token. Everything is
emulated, most of it twice: times say nothing about Xen, only about each other.

| | |
|---|---|
| date | ${date} |
| machine | ${machine} |
${[...versions].map((pair) => `| ${pair.join(" | ")} |`).join("\n")}

## By the command line, against real domains

${
    table(
      ["step", "seconds"],
      steps.map(({ name, seconds }) => [name, seconds.toFixed(0)]),
    )
  }

## The driver suite, in a dom0

By promise of \`src/driver/driver.ts\`, with how many tests say so.

\`\`\`
${renderMatrix([column])}
\`\`\`

## Figures

Medians, each beside its floor in the same run.

${
    table(
      ["what", "usher, ms", "floor, ms", "floor"],
      figures.map(({ name, ms, floor, floorMs }) => [
        name,
        ms.toFixed(0),
        floorMs.toFixed(0),
        floor,
      ]),
    )
  }
`;
}

function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  return [head, head.map(() => "---"), ...rows]
    .map((row) => `| ${row.join(" | ")} |`).join("\n");
}
