import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { VmNames } from "./vm_names.ts";

Deno.test("VmNames finds VMs by one, two and three parts of their names", () => {
  const names = new VmNames();
  names.set("web.lab.ann", "01aaaa1");
  names.set("web.lab.bob", "01aaaa2");
  names.set("web.default.ann", "01bbbb3");
  deepStrictEqual(names.named("web"), ["01aaaa1", "01aaaa2", "01bbbb3"]);
  deepStrictEqual(names.named("web.lab"), ["01aaaa1", "01aaaa2"]);
  deepStrictEqual(names.named("web.lab.bob"), ["01aaaa2"]);
  deepStrictEqual(names.named("lab"), []);
  strictEqual(names.uidOf("web.lab.ann"), "01aaaa1");
  strictEqual(names.uidOf("web"), undefined);
});

Deno.test("VmNames finds VMs by the beginning of their uids, when that is long enough", () => {
  const names = new VmNames();
  names.set("a.default.ann", "01aaaa1x");
  names.set("b.default.ann", "01aaaa2y");
  deepStrictEqual(names.beginning("01aaaa"), ["01aaaa1x", "01aaaa2y"]);
  deepStrictEqual(names.beginning("01aaaa2"), ["01aaaa2y"]);
  deepStrictEqual(names.beginning("01aaa"), []);
  deepStrictEqual(names.beginning("01aaaa3"), []);
});

Deno.test("VmNames forgets a VM under all that was written for it", () => {
  const names = new VmNames();
  names.set("a.default.ann", "01aaaa1");
  names.set("a.default.bob", "01aaaa2");
  names.delete("a.default.ann");
  names.delete("a.default.ann");
  deepStrictEqual(names.named("a"), ["01aaaa2"]);
  deepStrictEqual(names.beginning("01aaaa"), ["01aaaa2"]);
  // A name that was given to another VM means that one alone.
  names.set("a.default.bob", "01cccc3");
  deepStrictEqual(names.named("a"), ["01cccc3"]);
  deepStrictEqual(names.beginning("01aaaa"), []);
});

Deno.test("VmNames knows the VMs of a user", () => {
  const names = new VmNames();
  names.set("a.default.ann", "01aaaa1");
  names.set("b.lab.ann", "01aaaa2");
  names.set("a.default.bob", "01aaaa3");
  deepStrictEqual([...names.ofUser("ann")], ["01aaaa1", "01aaaa2"]);
  names.delete("a.default.ann");
  deepStrictEqual([...names.ofUser("ann")], ["01aaaa2"]);
  deepStrictEqual([...names.ofUser("eve")], []);
});
