/**
 * What must hold between a record and the one that replaces it: what only
 * grows, and what never changes.
 *
 * A stored state cannot be asked this, since it does not hold its past; who
 * sees every write (the simulator) can.
 *
 * @module
 */
import type { Operation } from "../../schema/operation.ts";
import type { Vm } from "../../schema/vm.ts";
import { isFinal } from "../operation_machine.ts";
import {
  broken,
  type Finding,
  type Kind,
  type Kinds,
  recordName,
} from "./finding.ts";

/** What is wrong with `next` in the place of `old`. */
export function checkChange<K extends Kind>(
  kind: K,
  key: string,
  old: Kinds[K],
  next: Kinds[K],
): Finding[] {
  const found: Finding[] = [];
  const say = (rule: string, text: string, right: string) =>
    found.push(broken(rule, recordName(kind, key), text, right));
  if ("revision" in old && "revision" in next) {
    if (next.revision <= old.revision) {
      say(
        "change-revision",
        `Revision ${old.revision} of ${kind} ${key} was followed by ${next.revision}`,
        "a revision that grows",
      );
    }
  }
  if (kind === "vm") changeOfVm(old as Vm, next as Vm, say);
  if (kind === "operation") {
    changeOfOperation(old as Operation, next as Operation, say);
  }
  return found;
}

type Say = (rule: string, text: string, right: string) => void;

function changeOfVm(old: Vm, next: Vm, say: Say): void {
  if (next.generation < old.generation) {
    say(
      "change-generation",
      `Generation ${old.generation} of VM "${old.name}" was followed by ${next.generation}`,
      "a generation that grows",
    );
  }
  const isSame = next.uid === old.uid && next.name === old.name &&
    next.createdAt === old.createdAt;
  if (!isSame) {
    say(
      "change-identity",
      `VM "${old.name}" became another: ${next.uid} "${next.name}"`,
      "id, name and time of its making as they were",
    );
  }
}

function changeOfOperation(old: Operation, next: Operation, say: Say): void {
  const name = `Operation ${old.id} (${old.verb} of "${old.vm}")`;
  if (isFinal(old.state)) {
    say(
      "change-final",
      `${name} ${old.state}, and was written once more`,
      "no write after the end",
    );
  }
  const isSame = next.id === old.id && next.uid === old.uid &&
    next.verb === old.verb && next.request === old.request &&
    next.index === old.index;
  if (!isSame) {
    say(
      "change-identity",
      `${name} became another: ${next.id} (${next.verb})`,
      "id, VM, verb and request as they were",
    );
  }
  if (old.state !== "pending" && next.state === "pending") {
    say("change-state", `${name} was ${old.state} and is pending`, old.state);
  }
}
