/**
 * Addresses: read, written, and both again.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  BITS,
  type Family,
  formatAddress,
  parseAddress,
  parseNetwork,
} from "./address.ts";

const anyAddress = fc.constantFrom<Family>(4, 6).chain((family) =>
  fc.bigInt({ min: 0n, max: (1n << BigInt(BITS[family])) - 1n })
    .map((value) => ({ family, value }))
);

Deno.test("parseAddress() reads what formatAddress() writes", () => {
  fc.assert(fc.property(anyAddress, (address) => {
    deepStrictEqual(parseAddress(formatAddress(address)), address);
  }));
});

Deno.test("formatAddress() has one spelling for each address", () => {
  const cases: [string, string][] = [
    ["10.1.0.5", "10.1.0.5"],
    ["2001:0DB8:0:0:0:0:0:5", "2001:db8::5"],
    ["2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["1:0:0:2:0:0:3:4", "1::2:0:0:3:4"],
    ["1:2:3:4:5:6:0:8", "1:2:3:4:5:6:0:8"],
  ];
  for (const [text, expected] of cases) {
    const address = parseAddress(text);
    strictEqual(address && formatAddress(address), expected);
  }
});

Deno.test("parseAddress() and parseNetwork() refuse what is none", () => {
  for (const text of ["", "10.1.0", "10.1.0.256", "1::2::3", "x::1", "1:2"]) {
    strictEqual(parseAddress(text), null, text);
  }
  for (const text of ["10.1.0.0", "10.1.0.1/24", "10.1.0.0/33", "::/129"]) {
    strictEqual(parseNetwork(text), null, text);
  }
  strictEqual(parseNetwork("2001:db8::/64")?.prefix, 64);
});
