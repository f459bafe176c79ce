/**
 * Lanes: who holds, who waits, and which are forgotten.
 *
 * @module
 */
import {
  deepStrictEqual,
  notStrictEqual,
  strictEqual,
} from "node:assert/strict";
import { Verb } from "../../schema/operation.ts";
import { Lane, Lanes, takesOver } from "./lane.ts";

Deno.test("Lane is idle when nothing runs and nothing waits", () => {
  const lane = new Lane();
  strictEqual(lane.idle, true);
  const holder = lane.hold({ id: "a", verb: "start" });
  deepStrictEqual([holder.operation, holder.verb, lane.idle], [
    "a",
    "start",
    false,
  ]);
  lane.holder = null;
  lane.queue.push("b");
  strictEqual(lane.idle, false);
});

Deno.test("Lane.remove() says where an operation stood", () => {
  const lane = new Lane();
  lane.queue.push("a", "b", "c");
  deepStrictEqual([lane.remove("b"), lane.remove("b")], [1, -1]);
  deepStrictEqual(lane.queue, ["a", "c"]);
});

Deno.test("Lanes keep a lane while it is used or uncertain, and no longer", () => {
  const lanes = new Lanes();
  const lane = lanes.of("vm");
  strictEqual(lanes.of("vm"), lane);
  lane.uncertain = true;
  lanes.sweep("vm");
  strictEqual(lanes.get("vm"), lane);
  lane.uncertain = false;
  lane.queue.push("a");
  lanes.sweep("vm");
  strictEqual(lanes.get("vm"), lane);
  lane.remove("a");
  lanes.sweep("vm");
  strictEqual(lanes.get("vm"), undefined);
  notStrictEqual(lanes.of("vm"), lane);
});

Deno.test("takesOver() is so of what cuts the power for good", () => {
  deepStrictEqual(Verb.options.filter(takesOver), ["poweroff", "destroy"]);
});
