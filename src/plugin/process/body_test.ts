import { deepStrictEqual, throws } from "node:assert/strict";
import { readBody } from "./body.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("readBody gives the parts of a body as the guest wrote them", () => {
  const parts = [
    ["done", 1, [{ a: 1 }, null]],
    ["done", 2, null],
    ["refused", 3, "no", null],
    ["threw", 4, "it broke"],
    ["ask", 5, 1, "vms.list", {}],
    ["log", null, "info", "hello", { at: 1 }],
  ];
  deepStrictEqual(readBody(bytes(JSON.stringify(parts))), parts);
});

Deno.test("readBody refuses whatever no guest of usher's would send", () => {
  for (
    const part of [
      ["done", -1, null],
      ["done", 1.5, null],
      ["done", 1, {}],
      ["done", 1],
      ["done", 1, null, 2],
      ["refused", 1, 2, null],
      ["ask", 1, 2, 3, null],
      ["log", null, "fatal", "", {}],
      ["other"],
      null,
      "done",
    ]
  ) throws(() => readBody(bytes(JSON.stringify([part]))), /part of a body/);
  throws(() => readBody(bytes("{}")), /no list/);
  throws(() => readBody(bytes("[")), SyntaxError);
  throws(() => readBody(Uint8Array.of(0x5b, 0xff, 0x5d)), TypeError);
});
