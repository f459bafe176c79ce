/**
 * The life of an operation, cell by cell.
 *
 * @module
 */
import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { OperationState } from "../schema/operation.ts";
import {
  isFinal,
  type OperationSignal,
  transition,
} from "./operation_machine.ts";

const SIGNALS = [
  "begin",
  "succeed",
  "fail",
  "cancel",
  "unwound",
] as const satisfies OperationSignal[];

/** For each state what follows each signal; `-` is no cell. */
const CELLS: Readonly<Record<OperationState, string>> = {
  pending: "running - failed cancelled -",
  running: "- succeeded failed cancelling -",
  cancelling: "- succeeded failed cancelling cancelled",
  succeeded: "- - - - -",
  failed: "- - - - -",
  cancelled: "- - - - -",
};

Deno.test("transition() leads in every cell where the table says, or is wrong_state", () => {
  for (const state of OperationState.options) {
    const cells = CELLS[state].split(" ");
    for (const [i, signal] of SIGNALS.entries()) {
      if (cells[i] === "-") {
        throws(() => transition(state, signal), { code: "wrong_state" });
      } else strictEqual(transition(state, signal), cells[i]);
    }
  }
});

Deno.test("isFinal() is so of the three ends", () => {
  deepStrictEqual(OperationState.options.filter(isFinal), [
    "succeeded",
    "failed",
    "cancelled",
  ]);
});
