/**
 * What must hold of every operation's record.
 *
 * @module
 */
import type { Operation } from "../../schema/operation.ts";
import { isFinal } from "../operation_machine.ts";
import { planSteps } from "../step.ts";
import { broken, type Finding, recordName } from "./finding.ts";
import { placeOf, type StoredState } from "./state.ts";

/** Journalled like a step by an operation that made its VM. */
const REGISTER = "register";

type Say = (rule: string, text: string, right: string) => void;

/** What is wrong with the operation under `key`. */
export function checkOperation(
  key: string,
  operation: Operation,
  state: StoredState,
): Finding[] {
  const found: Finding[] = [];
  const record = recordName("operation", key);
  const name = `Operation ${key} (${operation.verb} of "${operation.vm}")`;
  const say: Say = (rule, text, right) =>
    found.push(broken(rule, record, `${name} ${text}`, right));
  checkRequest(key, operation, state, say);
  checkParent(operation, state, say);
  checkEnd(operation, say);
  checkJournal(operation, say);
  if (!isFinal(operation.state)) checkOpen(key, operation, state, say);
  return found;
}

function checkRequest(
  key: string,
  { request, index }: Operation,
  state: StoredState,
  say: Say,
): void {
  const its = state.get("request", request);
  if (its === undefined) {
    return say(
      "operation-request",
      `belongs to request ${request}, which has no record`,
      "a request that is there as long as its operations",
    );
  }
  if (index >= its.count) {
    say(
      "operation-index",
      `is number ${index} of a request of ${its.count}`,
      `a number from 0 to ${its.count - 1}`,
    );
  }
  const twins = [...state.operationsAt.get(placeOf({ request, index }))]
    .filter((other) => other !== key);
  if (twins.length > 0) {
    say(
      "operation-index",
      `is number ${index} of its request, and so is ${twins.join(", ")}`,
      "one operation for each number",
    );
  }
}

/** One that is open is a part of something that is open too, or is being stopped. */
function checkParent(
  { parent, state: its, request }: Operation,
  state: StoredState,
  say: Say,
): void {
  if (parent === null || isFinal(its)) return;
  // A plugin asked while another operation ran, which does not wait for it.
  if (state.get("request", request)?.filed !== undefined) return;
  const whole = state.get("node-operation", parent);
  if (whole !== undefined && !isFinal(whole.state)) return;
  say(
    "operation-parent",
    whole === undefined
      ? `is a part of ${parent}, which has no record`
      : `is ${its}, and what it is a part of ${whole.state} already`,
    "a whole that ends after its parts",
  );
}

/** What a final operation has, and an open one has not. */
function checkEnd(
  { state, endedAt, problem, waitsFor, step }: Operation,
  say: Say,
): void {
  const over = isFinal(state);
  if (over !== (endedAt !== null)) {
    say(
      "operation-end",
      over ? `${state} and has no end` : `is ${state} and ended at ${endedAt}`,
      over ? "the moment of its end" : "no end",
    );
  }
  const needsProblem = state === "failed" || state === "cancelled";
  if (needsProblem !== (problem !== null)) {
    say(
      "operation-problem",
      needsProblem
        ? `${state} and does not say why`
        : `is ${state} and has a problem`,
      needsProblem ? "the problem that ended it" : "no problem",
    );
  }
  if (state === "succeeded" && step !== null) {
    say("operation-step", `succeeded at step "${step}"`, "no step");
  }
  if (waitsFor !== null && state !== "pending") {
    say(
      "operation-waits",
      `is ${state} and waits for ${waitsFor}`,
      "nothing to wait for once it has begun",
    );
  }
}

function checkJournal({ verb, state, step, begun }: Operation, say: Say): void {
  const known: readonly string[] = [REGISTER, ...planSteps(verb)];
  const strange = begun.filter((name) => !known.includes(name));
  if (strange.length > 0) {
    say(
      "operation-journal",
      `has begun ${strange.join(", ")}, which is no step of its verb`,
      `steps of ${verb}: ${planSteps(verb).join(", ") || "none"}`,
    );
  }
  if (new Set(begun).size !== begun.length) {
    say(
      "operation-journal",
      `has begun a step twice (${begun.join(", ")})`,
      "each step once",
    );
  }
  if (step !== null && !begun.includes(step)) {
    say(
      "operation-journal",
      `is at step "${step}", which it has not begun`,
      "a step that stands in its journal before it acts",
    );
  }
  if (state === "pending" && step !== null) {
    say("operation-step", `is pending at step "${step}"`, "no step");
  }
}

function checkOpen(
  key: string,
  operation: Operation,
  state: StoredState,
  say: Say,
): void {
  const vm = state.get("vm", operation.uid);
  if (vm !== undefined && vm.name !== operation.vm) {
    say("operation-vm", `is on the VM that is named "${vm.name}"`, vm.name);
  }
  // One that waits is told when its turn comes that its VM is gone.
  if (operation.state === "pending") return;
  if (vm === undefined) {
    say(
      "operation-vm",
      `is ${operation.state}, and its VM has no record`,
      "a VM for as long as it runs",
    );
  }
  if (operation.startedAt === null || operation.step === null) {
    say(
      "operation-step",
      `is ${operation.state} and ${
        operation.step === null ? "at no step" : "never began"
      }`,
      "the step it is at, and when it began",
    );
  }
  const rivals = [...state.openOn.get(operation.uid)].filter((other) => {
    const its = state.get("operation", other)?.state;
    return other !== key && its !== "pending";
  });
  if (rivals.length > 0) {
    say(
      "operation-holder",
      `holds its VM together with ${rivals.join(", ")}`,
      "one operation at a time on a VM",
    );
  }
  if (operation.from !== null && operation.from === operation.to) {
    say(
      "operation-target",
      `moves from node "${operation.from}" to the same`,
      "two nodes",
    );
  }
}
