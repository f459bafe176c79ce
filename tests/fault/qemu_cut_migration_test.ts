/**
 * The link between two nodes, cut in the middle of a real guest's move by a
 * filter that says nothing to either end: the move is undone by itself, and
 * the next one goes through.
 *
 * @module
 */
import { deepStrictEqual, match } from "node:assert/strict";
import { isNamespaceAllowed, runInNamespace } from "../support/namespace.ts";
import type { CutMove } from "../support/namespace_move.ts";
import { whyNoQemu } from "../support/qemu_node.ts";

Deno.test({
  name:
    "a move whose link is cut ends, with one guest where it was and nothing on the other side",
  ignore: whyNoQemu() !== undefined || !isNamespaceAllowed(),
  async fn() {
    const { phase, ...seen } = await runInNamespace<CutMove>(
      "namespace_move.ts",
      [],
    );
    match(phase, /^(?:disks|memory)$/);
    deepStrictEqual(seen, {
      end: "driver_failed",
      node: "n1",
      state: "running",
      isSameRun: true,
      guests: [1, 0],
      leftovers: [],
      again: "succeeded",
    });
  },
});
