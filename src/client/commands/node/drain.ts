/**
 * `usher node drain`.
 *
 * @module
 */
import type { DrainPlan } from "../../../schema/node_operation.ts";
import {
  defineCommand,
  parsed,
  text,
  toggle,
  wholeNumber,
} from "../../command.ts";
import { EXIT } from "../../exit.ts";
import { readBandwidth, readDuration } from "../../quantity.ts";
import { printOne } from "../../render/output.ts";
import { renderTable } from "../../render/table.ts";
import { WAIT_FLAGS } from "../../wait.ts";
import { waitForDrain } from "../../wait_drain.ts";

const MAX_PARALLEL = 64;

export const drain = defineCommand({
  about:
    "Let a node take no more VMs and move those that it has elsewhere: running ones while they run, others with their disks. One that cannot leave is named with the reason and stops no other; running the command again tries the rest. The node goes on to take no VMs until usher node undrain.",
  words: { usage: "NODE", min: 1, max: 1, completes: "node" },
  flags: {
    parallel: parsed(
      "N",
      "so many leave at the same time, 2 by default",
      wholeNumber("number of VMs", { min: 1, max: MAX_PARALLEL }),
    ),
    to: text("NODE", "move all to this node; placement chooses by default", {
      completes: "node",
    }),
    "max-downtime": parsed(
      "DUR",
      "the longest pause of a guest to aim at, such as 100ms",
      readDuration,
    ),
    bandwidth: parsed(
      "RATE",
      "the most that each migration sends in a second, such as 100MiB/s",
      readBandwidth,
    ),
    plan: toggle("show where each VM would go, and do nothing"),
    "no-wait": toggle("print the operation's id and do not wait"),
    ...WAIT_FLAGS,
  },
  examples: [
    ["usher node drain n2", "then the machine can be taken away"],
    ["usher node drain n2 --plan", "where its VMs would go"],
    ["usher node drain n2 --parallel 4 --to n3", "more at once, all to n3"],
  ],
  async run(context, { words: [name = ""], flags }) {
    const { parallel, to, bandwidth } = flags;
    const maxDowntimeMs = flags["max-downtime"];
    const body = {
      ...(parallel === undefined ? {} : { parallel }),
      ...(to === undefined ? {} : { to }),
      ...(maxDowntimeMs === undefined ? {} : { maxDowntimeMs }),
      ...(bandwidth === undefined ? {} : { bandwidth }),
    };
    const api = await context.api();
    if (flags.plan) {
      const plan = await api.call("drainPlan", { params: { name }, body });
      await printOne(context, plan, flags.output, {
        name,
        describe: describePlan,
      });
      const stays = plan.moves.some(({ problem }) => problem !== null);
      return stays ? EXIT.notPlaced : EXIT.done;
    }
    const begun = await api.call("drain", { params: { name }, body });
    if (flags["no-wait"]) {
      context.io.stdout.write(`${begun.id}\n`);
      return EXIT.done;
    }
    return await waitForDrain(context, api, begun.id, flags);
  },
});

function describePlan({ node, moves }: DrainPlan): string {
  if (moves.length === 0) return `no VM lies on ${node}\n`;
  return renderTable(moves, [
    { key: "vm", value: ({ vm }) => vm },
    { key: "to", value: ({ to }) => to ?? "-" },
    { key: "how", value: ({ live }) => live ? "live" : "cold" },
    { key: "problem", value: ({ problem }) => problem?.hint ?? "-" },
  ], { header: true, color: false, width: Infinity });
}
