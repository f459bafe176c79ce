/**
 * `usher vm explain`.
 *
 * @module
 */
import type { Explanation, NodeVerdict } from "../../../schema/explanation.ts";
import type { RefusedBy } from "../../../schema/placement.ts";
import { defineCommand, type Words } from "../../command.ts";
import { type Fact, renderFacts } from "../../render/describe.ts";
import { age, memory, percent } from "../../render/format.ts";
import { FORMAT_FLAG, printOne } from "../../render/output.ts";
import { printable } from "../../render/table.ts";

const WORDS: Words = { usage: "NAME", min: 1, max: 1, completes: "vm" };

export const explain = defineCommand({
  about:
    "Tell why a VM is where it is: what it asks of a node, what each node would say to it now, and where it would go if its node were drained.",
  words: WORDS,
  flags: FORMAT_FLAG,
  examples: [
    ["usher vm explain web1", "for people"],
    ["usher vm explain web1 -o json", "every node, for programs"],
  ],
  async run(context, { words, flags }) {
    const [name = ""] = words;
    const api = await context.api();
    const told = await api.call("explain", { params: { name } });
    await printOne(context, told, flags.output, {
      name: told.vm,
      describe: (it) => describeExplanation(it, context.io.now()),
    });
    return 0;
  },
});

/** So many nodes are told one by one, of those that can and of those that cannot. */
const MAX_NODES = 8;

/** An explanation for people. */
export function describeExplanation(it: Explanation, now: number): string {
  const { needs, placedBy, nodes } = it;
  const { nodeLabels, apartFrom, togetherWith } = needs.placement;
  const facts: Fact[] = [
    ["name", it.vm],
    ["state", it.state],
    ["node", it.node ?? "none: it was not placed yet"],
    [
      "placed by",
      placedBy &&
      `${placedBy.verb} ${placedBy.operation}, ${age(placedBy.at, now)} ago`,
    ],
    [
      "needs",
      `driver ${needs.driver}, ${needs.vcpus} vcpus, memory ${
        memory(needs.memoryMiB)
      }`,
    ],
    ...Object.entries(nodeLabels).map(([key, value]): Fact => [
      "on a node with",
      `${key}=${value}`,
    ]),
    ["apart from", apartFrom.join(", ")],
    ["kept apart by", it.keptApartBy.join(", ")],
    ["together with", togetherWith.join(", ")],
    [
      "strategy",
      it.strategy === "spread"
        ? "spread: the node with most left"
        : "pack: the node with least left",
    ],
    ["if drained", leavingText(it)],
  ];
  const able = nodes.filter(({ refusal }) => refusal === null);
  const unable = nodes.filter(({ refusal }) => refusal !== null);
  return [
    renderFacts(facts),
    section(`can take it: ${able.length} of ${nodes.length} nodes`, able),
    unable.length === 0
      ? ""
      : section(`cannot: ${unable.length} of ${nodes.length} nodes`, unable),
  ].join("");
}

function leavingText({ ifDrained }: Explanation): string | null {
  if (ifDrained === null) return null;
  const { node, refusedBy } = ifDrained;
  if (node !== null) return `to ${node}`;
  if (refusedBy.length === 0) return "nowhere: there is no other node";
  return `nowhere: ${refusedBy.map(groupText).join("; ")}`;
}

function groupText({ filter, nodes, nearest }: RefusedBy): string {
  const [first] = nearest;
  const which = nodes === 1 ? first?.node ?? filter : `${nodes} nodes`;
  return nodes === 1 ? `${which}: ${first?.why}` : `${which} by ${filter}`;
}

function section(title: string, nodes: readonly NodeVerdict[]): string {
  // Where it lies is told whatever the others are.
  const told = nodes.filter(({ isHere }, i) => isHere || i < MAX_NODES);
  const more = nodes.length - told.length;
  const lines = told.map(({ node, isHere, left, refusal }) =>
    `  ${node}${isHere ? " (here)" : ""}: ${
      refusal === null
        ? `${percent(left)} left with it`
        : refusal.change === ""
        ? refusal.why
        : `${refusal.why}; ${refusal.change}`
    }`
  );
  if (more > 0) lines.push(`  and ${more} more; -o json tells them all`);
  return [title, ...lines].map((line) => `${printable(line)}\n`).join("");
}
