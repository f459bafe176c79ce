/**
 * What must hold of every node operation's record.
 *
 * @module
 */
import type { NodeOperation } from "../../schema/node_operation.ts";
import { isFinal } from "../operation_machine.ts";
import { broken, type Finding, recordName } from "./finding.ts";
import type { StoredState } from "./state.ts";

/** What is wrong with the node operation under `key`. */
export function checkNodeOperation(
  key: string,
  operation: NodeOperation,
  state: StoredState,
): Finding[] {
  const found: Finding[] = [];
  const { verb, node, endedAt, problem, total, moved, failed } = operation;
  const name = `Node operation ${key} (${verb} of node "${node}")`;
  const say = (rule: string, text: string, right: string) =>
    found.push(
      broken(rule, recordName("node-operation", key), `${name} ${text}`, right),
    );
  const over = isFinal(operation.state);
  if (over !== (endedAt !== null)) {
    say(
      "node-operation-end",
      `is ${operation.state} and ended at ${endedAt}`,
      "a time of its end when it has ended, and only then",
    );
  }
  const needsProblem = operation.state === "failed" ||
    operation.state === "cancelled";
  if (needsProblem !== (problem !== null)) {
    say(
      "node-operation-problem",
      `is ${operation.state} ${
        problem === null ? "without" : "with"
      } a problem`,
      "the problem that ended it, and none otherwise",
    );
  }
  if (moved + failed > total) {
    say(
      "node-operation-count",
      `counts ${moved} moved and ${failed} failed of ${total}`,
      "no more than there are",
    );
  }
  if (!over) checkOpen(key, node, state, say);
  return found;
}

function checkOpen(
  key: string,
  node: string,
  state: StoredState,
  say: (rule: string, text: string, right: string) => void,
): void {
  if (state.get("node", node) === undefined) {
    say("node-operation-node", "is of a node that has no record", "a node");
  }
  const rivals = [...state.openAt.get(node)].filter((other) => other !== key);
  if (rivals.length > 0) {
    say(
      "node-operation-holder",
      `works on its node together with ${rivals.join(", ")}`,
      "one at a time on a node",
    );
  }
}
