/**
 * Clocks of nodes that are wrong, and whose clock it is.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { silentLog } from "../../sys/log.ts";
import { noteClock } from "./node_clock.ts";
import { NodeLinks } from "./node_links.ts";

const HOUR = 3_600_000;

Deno.test("a clock that is an hour wrong is said once, and when it is right again", () => {
  const clock = new FakeClock();
  const said: [string, string][] = [];
  const log = {
    ...silentLog,
    warn: (text: string, fields?: object) =>
      void said.push([text, JSON.stringify(fields)]),
    info: (text: string) => void said.push([text, ""]),
  };
  const links = new NodeLinks();
  const parts = { context: { clock, newId: () => "", log }, links };
  const n1 = links.link("n1");
  noteClock(parts, n1, undefined);
  strictEqual(n1.clockAheadMs, null);
  noteClock(parts, n1, clock.now() - 500);
  deepStrictEqual(said, []);
  for (let i = 0; i < 3; i++) noteClock(parts, n1, clock.now() + HOUR);
  strictEqual(n1.clockAheadMs, HOUR);
  strictEqual(said.length, 1);
  match(said[0]?.[1] ?? "", /correct the clock of the node/);
  // With a second one that says the same, it is more likely the controller's.
  noteClock(parts, links.link("n2"), clock.now() + HOUR + 100);
  match(said[1]?.[1] ?? "", /all nodes disagree with this machine's clock/);
  noteClock(parts, n1, clock.now());
  deepStrictEqual(said[2]?.[0], "a node's clock is right again");
});
