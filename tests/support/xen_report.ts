/**
 * What a run in the Xen lab came to, as a page of the documentation.
 *
 * @module
 */
import { type Column, renderMatrix } from "../conformance/driver/matrix.ts";
import type { Figure } from "./xen_figures.ts";
import { labVersions } from "./xen_host.ts";

const PAGE = new URL("../../docs/xen-lab.md", import.meta.url);
const FOLDER = new URL("../../.cache/xen_run/", import.meta.url);

/** The parts, in the order of the page. */
export const PARTS = {
  moves: "guests move between two hosts",
  life: "a life of VMs, and all that befalls it",
  suite: "the driver suite in a dom0, and figures",
} as const;

type PartName = keyof typeof PARTS;

/** What one part of a run came to. */
export interface LabPart {
  readonly name: PartName;
  /** When it ended, ISO 8601. */
  readonly at: string;
  readonly seconds: number;
  /** Steps that passed, in their order. */
  readonly steps: readonly {
    readonly name: string;
    readonly seconds: number;
  }[];
  /** What the driver suite found, where it was run. */
  readonly column?: Column;
  readonly figures: readonly Figure[];
}

function fileOf(name: PartName): URL {
  return new URL(`${name}.json`, FOLDER);
}

/** Forgets what a part came to before it is run again. */
export async function dropPart(name: PartName): Promise<void> {
  await Deno.remove(fileOf(name)).catch(() => {});
}

/** Keeps what a part that passed came to, and writes the page with it. */
export async function keepPart(part: LabPart): Promise<void> {
  await Deno.mkdir(FOLDER, { recursive: true });
  await Deno.writeTextFile(fileOf(part.name), JSON.stringify(part));
  await writePage();
}

/** Writes the page of those parts that passed when they were run last. */
export async function writePage(): Promise<void> {
  const parts = new Map<PartName, LabPart>();
  for (const name of Object.keys(PARTS) as PartName[]) {
    const text = await Deno.readTextFile(fileOf(name)).catch(() => null);
    if (text !== null) parts.set(name, JSON.parse(text));
  }
  await Deno.writeTextFile(PAGE, page(parts, await labVersions()));
}

/** `docs/xen-lab.md`. */
function page(
  parts: ReadonlyMap<PartName, LabPart>,
  versions: ReadonlyMap<string, string>,
): string {
  const machine = `${navigator.hardwareConcurrency} cores, ${
    Math.round(Deno.systemMemoryInfo().total / 2 ** 30)
  } GiB, Deno ${Deno.version.deno}`;
  return `# The last run in the Xen lab

Written by the run itself (\`deno task test:xen\`), part by part, as each has passed. The
lab is the real hypervisor with a dom0 of Debian's packages, one host or two on a private
network, each inside QEMU: \`scripts/xen_lab/build.sh\` makes it and
\`scripts/xen_lab.ts\` boots it for people who want to look into it. The executable alone
is copied into each dom0 and joins a controller outside with a token. Everything is
emulated, most of it twice, and each host has one processor of a machine that does other
work too: times say nothing about Xen, only about each other.

| | |
|---|---|
| machine | ${machine} |
${[...versions].map((pair) => `| ${pair.join(" | ")} |`).join("\n")}

${
    table(
      ["part", "passed", "minutes"],
      (Object.keys(PARTS) as PartName[]).map((name) => {
        const part = parts.get(name);
        return part === undefined
          ? [
            PARTS[name],
            "no: it failed, or was cut short, when it was run last",
            "-",
          ]
          : [
            PARTS[name],
            part.at.slice(0, 16).replace("T", " "),
            (part.seconds / 60).toFixed(0),
          ];
      }),
    )
  }

${[...parts.values()].map(section).join("\n\n")}
`;
}

function section({ name: part, steps, column, figures }: LabPart): string {
  const about = PARTS[part];
  const done = steps.filter(({ name }) => !name.startsWith("figures"));
  return [
    `## ${about[0]?.toUpperCase()}${about.slice(1)}`,
    ...(done.length === 0 ? [] : [
      "By the command line, against real domains.",
      table(
        ["step", "seconds"],
        done.map(({ name, seconds }) => [name, seconds.toFixed(0)]),
      ),
    ]),
    ...(column === undefined ? [] : [
      "By promise of `src/driver/driver.ts`, with how many tests say so.",
      "<!-- not run: the run itself writes what it came to -->\n" +
      `\`\`\`\n${renderMatrix([column])}\n\`\`\``,
    ]),
    ...(figures.length === 0 ? [] : [
      "Figures, medians, each beside its floor in the same run.",
      table(
        ["what", "usher, ms", "floor, ms", "floor"],
        figures.map(({ name, ms, floor, floorMs }) => [
          name,
          ms.toFixed(0),
          floorMs.toFixed(0),
          floor,
        ]),
      ),
    ]),
  ].join("\n\n");
}

function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  return [head, head.map(() => "---"), ...rows]
    .map((row) => `| ${row.join(" | ")} |`).join("\n");
}
