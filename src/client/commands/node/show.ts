/**
 * `usher node show`.
 *
 * @module
 */
import type { NodeView } from "../../../schema/change.ts";
import { defineCommand } from "../../command.ts";
import { type Fact, renderFacts } from "../../render/describe.ts";
import { age, memory } from "../../render/format.ts";
import { FORMAT_FLAG, printShown } from "../../render/output.ts";
import { usageFacts } from "../../render/usage_facts.ts";
import { certificateText } from "./certificate_text.ts";
import { clockText } from "./clock_text.ts";

export const show = defineCommand({
  about: "Show all there is to know about nodes.",
  words: { usage: "NODES...", min: 1, max: Infinity, completes: "node" },
  flags: FORMAT_FLAG,
  examples: [["usher node show n1", "capacity, usage and drivers of n1"]],
  async run(context, { words, flags }) {
    const api = await context.api();
    const nodes = await Promise.all(
      words.map((name) => api.call("node", { params: { name } })),
    );
    await printShown(context, nodes, flags.output, {
      single: words.length === 1,
      name: ({ name }) => name,
      describe: (node) => describeNode(node, context.io.now()),
    });
    return 0;
  },
});

/** A node for people. */
export function describeNode(node: NodeView, now: number): string {
  const { capacity, overcommit, usage } = node;
  const facts: Fact[] = [
    ["name", node.name],
    ["draining", node.draining ? "yes: it takes no VMs" : null],
    ["state", `${node.state}, for ${age(node.since, now)}`],
    ["clock", clockText(node.clockAheadMs ?? null)],
    ["certificate", certificateText(node.certificateEndsAt ?? null, now)],
    ["usher", node.version],
    ["joined", `${age(node.joinedAt, now)} ago`],
    ["VMs", node.vms],
    [
      "vcpus",
      `${node.allocatedCpus} of ${
        Math.floor(capacity.cpus * overcommit.cpus)
      } promised (${capacity.cpus} cpus, ${overcommit.cpus} times)`,
    ],
    [
      "memory",
      `${memory(node.allocatedMiB)} of ${
        memory(Math.floor(capacity.memoryMiB * overcommit.memory))
      } promised${
        overcommit.memory === 1
          ? ""
          : ` (${memory(capacity.memoryMiB)}, ${overcommit.memory} times)`
      }`,
    ],
    ...Object.entries(node.labels).map(([key, value]): Fact => [
      `label ${key}`,
      value,
    ]),
    ...node.drivers.map(describeDriver),
    ...usageFacts(usage),
  ];
  return renderFacts(facts);
}

function describeDriver(driver: NodeView["drivers"][number]): Fact {
  const { name, health, reason, version, attributes, abilities } = driver;
  const key = `driver ${name}`;
  // Why comes first where it matters: what it could do is of no use now.
  if (health !== "healthy") {
    return [key, reason === "" ? health : `${health}: ${reason}`];
  }
  const details = [
    version,
    ...Object.entries(attributes).map(([key, value]) => `${key} ${value}`),
    abilities.length > 0 && `can: ${abilities.join(", ")}`,
  ].filter(Boolean).join("; ");
  return [key, details === "" ? health : `${health} (${details})`];
}
