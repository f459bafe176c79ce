/**
 * `history.*`: what was, as far as it is granted.
 *
 * @module
 */
import { isFinal } from "../../core/operation_machine.ts";
import { compileName } from "../../core/selector.ts";
import type { Operation } from "../../schema/operation.ts";
import type { History } from "../history/history.ts";
import type { Records } from "../records/records.ts";
import type { AnswersOf } from "./ask.ts";

const DEFAULT_LIMIT = 100;

type HistoryAsk =
  | "history.operations"
  | "history.vm"
  | "history.node"
  | "history.usage";

/** What history is read from. */
export interface PastParts {
  readonly records: Records;
  readonly history: History;
}

/** Answers what is asked about the past. */
export function historyAnswers(
  { records, history }: PastParts,
): AnswersOf<HistoryAsk> {
  /** The uid of a granted VM. */
  const uidOf = (name: string, reaches: (vm: string) => boolean) => {
    const uid = records.names.uidOf(name);
    return uid === undefined || !reaches(name) ? null : uid;
  };
  return {
    "history.operations": (
      { vm, verb, limit = DEFAULT_LIMIT },
      { grant, pace },
    ) => {
      pace.looked(records.operations.size);
      const matches = vm === undefined ? null : compileName(vm);
      const ended = [...records.operations.values()].filter((operation) =>
        isFinal(operation.state) &&
        (verb === undefined || operation.verb === verb) &&
        grant.reaches(operation.vm) &&
        (matches === null || matches(operation.vm))
      );
      return ended.sort(newestFirst).slice(0, limit);
    },
    "history.vm": ({ name, limit = DEFAULT_LIMIT }, { grant, pace }) => {
      const uid = uidOf(name, (vm) => grant.reaches(vm));
      if (uid === null) return [];
      pace.looked(limit);
      return history.vms.of(uid, limit);
    },
    "history.node": ({ name, limit = DEFAULT_LIMIT }, { pace }) => {
      pace.looked(limit);
      return history.nodes.of(name, limit);
    },
    "history.usage": ({ name, sinceMs }, { grant }) => {
      // A node's name is one label, a VM's full name three.
      if (!name.includes(".")) return history.nodeUsage.of(name, sinceMs);
      const uid = uidOf(name, (vm) => grant.reaches(vm));
      return uid === null ? [] : history.vmUsage.of(uid, sinceMs);
    },
  };
}

function newestFirst(a: Operation, b: Operation): number {
  return (b.endedAt ?? "") < (a.endedAt ?? "") ? -1 : 1;
}
