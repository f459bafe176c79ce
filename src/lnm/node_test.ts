/**
 * What a node tells of its domains around the end of a session: whatever
 * happens while nobody listens, the controller knows in the end.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { until } from "../../tests/support/wait.ts";
import type { DownFrame } from "../schema/frame.ts";
import { systemClock } from "../sys/clock.ts";
import { act, UID, World } from "../../tests/support/node_world.ts";

Deno.test("runNode() tells what changed between its list of domains and the welcome", async () => {
  await using world = new World();
  const peer = await world.session(0);
  world.domain.become("crashed");
  await until("the node has taken it up", () => world.domain.taken === 1);

  peer.welcome(false);

  await peer.hears("report");
  deepStrictEqual(peer.states, ["running", "crashed"]);
});

Deno.test("runNode() replays old reports before its list, and what the link lost shows in that", async () => {
  await using world = new World();
  const first = await world.session(0);
  first.welcome(false);
  await first.hears("domains");
  world.domain.become("paused");
  await first.hears("report");
  first.cut();
  // Nobody was there to hear of it.
  world.domain.state = "crashed";

  const second = await world.session(1);
  second.welcome(true);

  await second.hears("domains");
  deepStrictEqual(second.states, ["paused", "crashed"]);
});

Deno.test("runNode() tells what an act came to while there was no session, asked again or not", async () => {
  await using world = new World();
  const first = await world.session(0);
  first.welcome(false);
  first.say(act("01a.pause", "pause"));
  await first.hears("result");
  first.cut();
  // Another than the answer that is remembered.
  world.domain.become("crashed");

  const second = await world.session(1);
  second.welcome(false);
  second.say(act("01a.pause", "pause"));

  await second.hears("result");
  strictEqual(second.states.at(-1), "crashed");
  deepStrictEqual(world.domain.asked, ["pause"]);
});

Deno.test("runNode() lets go of what a dead controller waited for, once the next asks for something else", async () => {
  await using world = new World();
  const first = await world.session(0);
  first.welcome(false);
  first.say(act("01a.shutdown", "stop"));
  await until("it waits for the guest", () => world.domain.asked.length === 1);
  first.cut();

  const second = await world.session(1);
  second.welcome(false);
  second.say(act("01b.pause", "pause"));

  await until("it is paused", () => world.domain.state === "paused");
  await until(
    "both are answered",
    () => second.heard.filter(({ type }) => type === "result").length === 2,
  );
  match(JSON.stringify(second.heard), /"interrupted"/);
});

Deno.test("runNode() goes on with what a dead controller waited for when the next asks for it again", async () => {
  await using world = new World();
  const first = await world.session(0);
  first.welcome(false);
  first.say(act("01a.shutdown", "stop"));
  await until("it waits for the guest", () => world.domain.asked.length === 1);
  first.cut();

  const second = await world.session(1);
  second.welcome(false);
  second.say(act("01a.shutdown", "stop"));
  // Seen to have been taken in: what follows it is answered.
  second.say(
    {
      ...act("01c.none", "pause"),
      uid: `${UID.slice(0, -1)}6`,
      seq: 2,
    } as DownFrame,
  );

  await second.hears("result");
  deepStrictEqual(world.domain.asked, ["stop", "pause"]);
  deepStrictEqual(
    second.heard.filter(({ type }) => type === "result").length,
    1,
    "the shutdown still waits",
  );
});

Deno.test("runNode() says which driver cannot tell what it runs, and tells as soon as it can", async () => {
  await using world = new World("no such socket", {
    ...systemClock,
    sleep: (ms, signal) => systemClock.sleep(ms / 100, signal),
  });
  const first = await world.session(0);
  const hello = first.heard.find(({ type }) => type === "hello");
  deepStrictEqual(
    hello?.type === "hello" && [hello.unlisted, hello.domainCount],
    [["sim"], 0],
  );
  first.welcome(false);
  await first.hears("domains");

  world.domain.deaf = null;

  // That it works now is told first, of the session that there is.
  await first.hears("drivers");
  const second = await world.session(1);
  second.welcome(false);
  await second.hears("domains");
  deepStrictEqual(second.states, ["running"]);
});

Deno.test("runNode() looks at its drivers as soon as one does not reach its hypervisor", async () => {
  await using world = new World();
  const peer = await world.session(0);
  peer.welcome(false);
  await peer.hears("domains");
  world.domain.deaf = "no such socket";

  peer.say(act("a1", "pause"));

  // A minute before it would be their turn.
  await peer.hears("drivers");
  const told = peer.heard.findLast(({ type }) => type === "drivers");
  deepStrictEqual(
    told?.type === "drivers" && told.drivers.map(({ health }) => health),
    ["unhealthy"],
  );
});

Deno.test("runNode() tells of the machine that guests get where a driver knows it, and anew when it is another; what the administrator gives stands", async () => {
  await using world = new World(null, {
    ...systemClock,
    sleep: (ms, signal) => systemClock.sleep(ms / 1000, signal),
  });
  const first = await world.session(0);
  deepStrictEqual(first.capacity, { cpus: 3, memoryMiB: 1 });
  first.welcome(false);
  await first.hears("domains");
  world.domain.machine = { cpus: 8, memoryMiB: 4096 };

  const second = await world.session(1);
  deepStrictEqual(second.capacity, { cpus: 3, memoryMiB: 4096 });
  second.welcome(true);
  await second.hears("domains");
  // A driver that cannot be asked takes nothing away of what it told.
  world.domain.machine = undefined;
  world.domain.deaf = "no such socket";
  await second.hears("drivers");
  second.cut();
  const third = await world.session(2);
  deepStrictEqual(third.capacity, second.capacity);
});
