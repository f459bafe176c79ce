/**
 * What is said of a step that no node answered in time.
 *
 * @module
 */
import { match, strictEqual } from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { SmallCtrl } from "../../../tests/support/small_ctrl.ts";
import { UsherError } from "../../error/mod.ts";

async function paused(
  away: boolean,
  node: () => Promise<never> = () => new Promise(() => {}),
) {
  const clock = new FakeClock();
  await using small = await SmallCtrl.open({ clock });
  const start = await small.submit({ verb: "start", names: ["web"] });
  await small.reached(start, "succeeded");
  const link = small.links.link("n1");
  if (away) link.session = null;
  else small.node = node;
  const pause = await small.submit({ verb: "pause", names: ["web"] });
  await clock.advance(31_000);
  return await small.reached(pause, "failed");
}

Deno.test("a step at a node that stays away says that it is out of reach", async () => {
  const { problem } = await paused(true);
  strictEqual(problem?.code, "timed_out");
  match(problem.detail, /no answer within 30 s: node n1 is out of reach$/);
});

Deno.test("a step that a node is too slow for says so", async () => {
  const { problem } = await paused(false);
  strictEqual(problem?.code, "timed_out");
  match(problem.detail, /took longer than 30 s on node n1$/);
});

Deno.test("a step that fails again and again until its time is over says why", async () => {
  let calls = 0;
  const { problem } = await paused(false, () => {
    if (++calls > 1) return new Promise(() => {});
    return Promise.reject(
      new UsherError("unavailable", "libvirtd did not answer within 10 s"),
    );
  });
  strictEqual(problem?.code, "timed_out");
  match(
    problem.detail,
    /longer than 30 s on node n1; it said: libvirtd did not answer within 10 s$/,
  );
});
