/**
 * Reading what a processor can do.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import { parseCpu } from "./cpu.ts";

Deno.test("parseCpu() reads the first processor, and nothing where there is nothing to read", () => {
  const text = [
    "processor\t: 0",
    "vendor_id\t: GenuineIntel",
    "flags\t\t: sse4_2 aes fpu",
    "vmx flags\t: ept",
    "",
    "processor\t: 1",
    "flags\t\t: other",
  ].join("\n");
  deepStrictEqual(parseCpu(text), {
    vendor: "GenuineIntel",
    flags: ["aes", "fpu", "sse4_2"],
  });
  deepStrictEqual(parseCpu(""), { vendor: "", flags: [] });
});
