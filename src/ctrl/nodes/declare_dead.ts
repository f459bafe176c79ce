/**
 * Declaring a node dead: an administrator's word that nothing of it runs.
 *
 * It is the proof that silence is not. What the node ran counts as crashed
 * from then on, so every verb works on it again. Nothing is remembered of a
 * node that comes back all the same: it says what it runs, and is believed.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { Node } from "../../schema/node.ts";
import { type CtrlContext, isoNow } from "../context.ts";
import type { Domains } from "./domains.ts";
import type { NodeLinks } from "./node_links.ts";
import type { Nodes } from "./nodes.ts";
import type { Runner } from "../operations/runner.ts";
import type { Records, Write } from "../records/records.ts";

/** What a declaration works with. */
export interface DeclaringParts {
  readonly context: CtrlContext;
  readonly records: Records;
  readonly links: NodeLinks;
  readonly nodes: Nodes;
  readonly domains: Domains;
  readonly runner: Runner;
}

/** What came of it. */
export interface Declared {
  readonly changed: boolean;
  /** Names of the VMs that count as crashed since. */
  readonly crashed: readonly string[];
}

/**
 * Declares node `name` dead on the word of `user`; again changes nothing.
 * Throws `not_found`, and `wrong_state` for a node that is connected.
 */
export async function declareDead(
  parts: DeclaringParts,
  name: string,
  user: string,
): Promise<Declared> {
  const { context, records, links, domains, runner } = parts;
  const node = records.nodes.latest(name);
  if (node === undefined) throw parts.nodes.unknown(name);
  if (node.state === "dead") return { changed: false, crashed: [] };
  const link = links.link(name);
  if (node.state === "ready" || link.session !== null) throw connected(name);
  const at = isoNow(context);
  const crashed = domains.deadWrites(
    name,
    `its node ${name} was declared dead by ${user}; it was ${node.state} since ${node.since}`,
  );
  // Nothing is waited for from the look to here, and all of it is one commit.
  await records.write([deadNode(node, user, at), ...crashed]);
  link.breakOff("it was declared dead");
  link.silentSince = null;
  const vms = crashed.flatMap(({ kind, value }) =>
    kind === "vm" && value !== null ? [value] : []
  );
  for (const { uid } of vms) runner.settled(uid);
  context.log.warn("a node was declared dead", {
    node: name,
    user,
    vms: vms.length,
  });
  return { changed: true, crashed: vms.map((vm) => vm.name).toSorted() };
}

function deadNode(node: Node, user: string, at: string): Write {
  return {
    kind: "node",
    key: node.name,
    value: { ...node, state: "dead", since: at },
    note: `declared dead by ${user}`,
  };
}

function connected(name: string): UsherError {
  return new UsherError(
    "wrong_state",
    `Cannot declare node "${name}" dead: it is connected`,
    {
      hint:
        `turn the machine off first; usher node drain ${name} moves what is to leave a node that works`,
      subject: name,
    },
  );
}
