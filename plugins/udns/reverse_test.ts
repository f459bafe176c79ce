/**
 * Addresses and the names that lead back from them.
 *
 * @module
 */
import { strictEqual, throws } from "node:assert/strict";
import { addressType, reverseName, zoneOf } from "./reverse.ts";

Deno.test("addressType() knows IPv4 and IPv6 from what is none", () => {
  const cases: [string, "A" | "AAAA" | null][] = [
    ["10.1.0.5", "A"],
    ["10.1.0.256", null],
    ["10.1.0.05", null],
    ["10.1.0", null],
    ["::", "AAAA"],
    ["2001:db8::5", "AAAA"],
    ["1:2:3:4:5:6:7:8", "AAAA"],
    ["1:2:3:4:5:6:7", null],
    ["1::2::3", null],
    ["2001:db8::12345", null],
    ["web", null],
    ["", null],
  ];
  for (const [text, type] of cases) strictEqual(addressType(text), type, text);
});

Deno.test("reverseName() turns addresses of both kinds round", () => {
  strictEqual(reverseName("10.1.0.5"), "5.0.1.10.in-addr.arpa");
  strictEqual(
    reverseName("2001:db8::A"),
    `a.${"0.".repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`,
  );
  throws(() => reverseName("web"), /no address/);
});

Deno.test("zoneOf() finds the zone nearest to a name, at a border of labels", () => {
  const zones = ["10.in-addr.arpa", "1.10.in-addr.arpa"];
  strictEqual(zoneOf("5.0.1.10.in-addr.arpa", zones), "1.10.in-addr.arpa");
  strictEqual(zoneOf("5.0.2.10.in-addr.arpa", zones), "10.in-addr.arpa");
  strictEqual(zoneOf("5.0.2.110.in-addr.arpa", zones), null);
});
