/**
 * Strays: what is remembered of them, and what placement knows of it.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import type { DomainFrame } from "../../schema/frame.ts";
import type { DomainState } from "../../schema/vm.ts";
import { Strays } from "./strays.ts";

function frame(uid: string, state: DomainState): DomainFrame {
  return {
    driver: "sim",
    uid,
    domain: uid,
    name: "web.default.ann",
    state,
    reason: "",
    incarnation: "01a",
    generation: 1,
  };
}

Deno.test("Strays tell where a VM has copies that take memory, as that changes", () => {
  const told: string[] = [];
  const strays = new Strays((uid, nodes) => told.push(`${uid} ${nodes}`));
  const taken = () => told.splice(0);
  strays.note("n1", frame("web", "paused"));
  strays.note("n2", frame("web", "running"));
  strays.note("n1", frame("db", "stopped"));
  deepStrictEqual(taken(), ["web n1", "web n1,n2", "db "]);
  deepStrictEqual(strays.nodesOf("web"), ["n1", "n2"]);
  // One that is off takes nothing, and has to go all the same.
  deepStrictEqual(strays.nodesOf("db"), ["n1"]);
  strays.note("n2", frame("web", "absent"));
  deepStrictEqual(taken(), ["web n1"]);
  // What a migration left is not ours.
  strays.note("n2", frame("web", "migrating"));
  deepStrictEqual(strays.nodesOf("web"), ["n1"]);
  taken();
  strays.clear("n1");
  deepStrictEqual(taken().toSorted(), ["db ", "web "]);
  strays.drop("n1", "web");
  deepStrictEqual(taken(), []);
});
