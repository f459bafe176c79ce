/**
 * The options of `uipmgr`: what cannot be is told by its name.
 *
 * @module
 */
import { rejects } from "node:assert/strict";
import * as uipmgr from "../../../plugins/uipmgr/plugin.ts";
import { onBench } from "../../support/plugin_bench.ts";

const RANGES = { lab: { ipv4: { network: "10.1.0.0/24" } } };

Deno.test("uipmgr: options that cannot be are refused by name", async () => {
  const lab = (ipv4: Record<string, unknown>) => ({
    ranges: { lab: { ipv4 } },
  });
  const cases: [Record<string, unknown>, RegExp][] = [
    [lab({ network: "10.1.0.0" }), /"lab", ipv4: network "10.1.0.0"/],
    [lab({ network: "10.1.0.0/24", first: "10.2.0.1" }), /no address of 10/],
    [lab({ network: "10.0.0.0/8", last: "10.255.0.0" }), /set first and last/],
    [{ ranges: { lab: {} } }, /neither ipv4 nor ipv6/],
    [{ ranges: RANGES, dfltrange: "labs" }, /no range "labs"/],
    [
      { ranges: RANGES, server: "db" },
      /must name the file that holds the password/,
    ],
    [
      { ranges: { a: RANGES.lab, b: RANGES.lab } },
      /"a" and "b" overlap at 10.1.0.1/,
    ],
  ];
  for (const [options, expected] of cases) {
    await rejects(onBench(uipmgr, { options }), expected);
  }
});
