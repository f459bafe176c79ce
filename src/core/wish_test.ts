import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Verb } from "../schema/operation.ts";
import { Vm } from "../schema/vm.ts";
import { wished } from "./wish.ts";

const AT = "2026-01-01T00:00:00.000Z";

function vm(power: "on" | "off"): Vm {
  return Vm.parse({
    v: 1,
    uid: "01m89ng3b8gj1q82gf2w8tbd5h",
    name: "web.lab.ann",
    generation: 4,
    spec: { driver: "sim", power },
    status: {
      state: "running",
      reason: "",
      incarnation: null,
      since: AT,
      observedGeneration: 4,
    },
    node: "n1",
    args: { role: "front" },
    createdAt: AT,
    revision: 0,
    found: false,
  });
}

Deno.test("wished() turns power as the verb says, and raises the generation only then", () => {
  const on: readonly Verb[] = ["start", "cycle", "reboot"];
  const off: readonly Verb[] = ["shutdown", "poweroff"];
  for (const verb of Verb.options) {
    for (const power of ["on", "off"] as const) {
      const wanted = on.includes(verb)
        ? "on"
        : off.includes(verb)
        ? "off"
        : power;
      const { spec, generation } = wished(vm(power), { verb, args: {} });
      strictEqual(spec.power, wanted, verb);
      strictEqual(generation, wanted === power ? 4 : 5, verb);
    }
  }
});

Deno.test("wished() adds arguments, and is the VM itself where nothing is new", () => {
  const before = vm("on");
  strictEqual(wished(before, { verb: "start", args: {} }), before);
  deepStrictEqual(
    wished(before, { verb: "pause", args: { tier: "gold" } }).args,
    { role: "front", tier: "gold" },
  );
});
