/**
 * `usher node declare-dead`.
 *
 * @module
 */
import { askYes } from "../../ask.ts";
import { type Context, defineCommand, toggle } from "../../command.ts";
import { failure } from "../../failure.ts";
import { FORMAT_FLAG, printOne } from "../../render/output.ts";
import { UsageError } from "../../usage.ts";

/** VMs that are named one by one; a node may have many. */
const MAX_NAMED = 20;

export const declareDead = defineCommand({
  about:
    "Say that a node that is not connected runs nothing any more: the machine is off, or its VMs are. They count as crashed from then on and may start elsewhere; those with --on-node-loss restart do so by themselves. If it is not so, VMs will run twice.",
  words: { usage: "NODE", min: 1, max: 1, completes: "node" },
  flags: {
    yes: toggle("do not ask; needed where there is no terminal", {
      short: "y",
    }),
    ...FORMAT_FLAG,
  },
  examples: [
    ["usher node declare-dead n7", "asks, then does"],
    ["usher node declare-dead n7 --yes", "for scripts that have fenced n7"],
  ],
  async run(context, { words: [node = ""], flags }) {
    const api = await context.api();
    // What it is called wrong for is said before anything is asked.
    const { name, state, vms } = await api.call("node", {
      params: { name: node },
    });
    if (!flags.yes && state !== "dead" && state !== "ready") {
      await confirm(context, name, vms);
    }
    const answer = await api.call("declareDead", { params: { name } });
    await printOne(context, { node: name, ...answer }, flags.output, {
      name,
      describe: describeAnswer,
    });
    return 0;
  },
});

async function confirm(
  { io }: Context,
  node: string,
  vms: number,
): Promise<void> {
  if (!io.stdin.isTerminal || !io.stderr.isTerminal) {
    throw new UsageError(
      `Cannot ask whether node "${node}" is dead: there is no terminal`,
      "make sure that it is off, then add --yes",
    );
  }
  io.stderr.write(
    `${node} has ${vms} VM(s). This says that the machine is off, or that its VMs are.\n` +
      "If it is not so, VMs that start elsewhere will run twice and damage their shared disks.\n",
  );
  if (await askYes(io, `Is ${node} surely dead?`)) return;
  throw await failure("cancelled", `Node "${node}" was not declared dead`);
}

function describeAnswer(
  { node, changed, crashed }: {
    readonly node: string;
    readonly changed: boolean;
    readonly crashed: readonly string[];
  },
): string {
  if (!changed) return `${node} was declared dead before\n`;
  const named = crashed.slice(0, MAX_NAMED).join(" ");
  const more = crashed.length > MAX_NAMED ? " …" : "";
  return crashed.length === 0
    ? `${node} is dead; nothing ran on it\n`
    : `${node} is dead; ${crashed.length} VM(s) count as crashed: ${named}${more}\n`;
}
