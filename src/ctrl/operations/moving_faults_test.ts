/**
 * Migrations that break: in every step, everything that can happen. Whatever
 * does, the operation ends, one domain of the VM is left, and it is where the
 * record says.
 *
 * @module
 */
import { match, strictEqual } from "node:assert/strict";
import { MovingWorld } from "../../../tests/support/moving_world.ts";
import type { Act } from "../../../tests/support/small_ctrl.ts";
import type { ActVerb } from "../../schema/frame.ts";

/** Verbs of the acts of a migration that goes well, in order. */
const ACTS = ["offer", "receive", "send", "activate", "release"] as const;

/** From this act on the VM is the target's. */
function isDecided(verb: ActVerb): boolean {
  return verb === "activate" || verb === "release";
}

/** Calls `run` at the first act `verb`, before or after its node did it. */
function once(
  world: MovingWorld,
  verb: ActVerb,
  when: "before" | "after",
  run: (act: Act) => void | Promise<void>,
): void {
  let isDone = false;
  world.meddle = async (act, now) => {
    if (isDone || act.verb !== verb || now !== when) return;
    isDone = true;
    await run(act);
  };
}

for (const verb of ACTS) {
  for (const when of ["before", "after"] as const) {
    Deno.test(`a link that is cut ${when} "${verb}" and comes back: the migration goes on`, async () => {
      await using world = await MovingWorld.open();
      const { uid } = await world.startWeb({ sendMs: 2000 });
      once(world, verb, when, async ({ node }) => {
        world.cut(node);
        await Promise.resolve();
        setTimeout(() => void world.heal(node), 5);
      });
      const { state } = await world.end(await world.migrate());
      strictEqual(state, "succeeded");
      strictEqual((await world.untilOne(uid, "running")).node, "n2");
    });

    Deno.test(`a node that is lost ${when} "${verb}" and comes back later leaves one domain`, async () => {
      await using world = await MovingWorld.open();
      const { uid } = await world.startWeb({ sendMs: 2000 });
      let lost = "";
      once(world, verb, when, async ({ node }) => {
        lost = node;
        await world.lose(node);
      });
      const id = await world.migrate();
      await world.until("the node is lost", () => lost !== "");
      const { state, problem } = await world.end(id);
      strictEqual(state, verb === "release" ? "succeeded" : "failed");
      if (state === "failed") strictEqual(problem?.code, "unavailable");
      await world.heal(lost);
      const vm = await world.untilOne(uid, "running");
      strictEqual(vm.node, isDecided(verb) ? "n2" : "n1");
    });

    Deno.test(`a controller that is killed ${when} "${verb}" goes on after its start`, async () => {
      await using world = await MovingWorld.open();
      const { uid } = await world.startWeb({ sendMs: 2000 });
      let isKilled = false;
      once(world, verb, when, async () => {
        await world.killCtrl();
        isKilled = true;
      });
      const id = await world.migrate();
      await world.until("the controller is killed", () => isKilled);
      await world.startCtrl();
      strictEqual((await world.end(id)).state, "succeeded");
      strictEqual((await world.untilOne(uid, "running")).node, "n2");
    });

    Deno.test(`an LNM that is killed ${when} "${verb}" goes on after its start`, async () => {
      await using world = await MovingWorld.open();
      const { uid } = await world.startWeb({ sendMs: 2000 });
      once(world, verb, when, ({ node }) => world.restartNode(node));
      const { state } = await world.end(await world.migrate());
      strictEqual(state, "succeeded");
      strictEqual((await world.untilOne(uid, "running")).node, "n2");
    });

    Deno.test(`a cancel ${when} "${verb}" undoes it, or says that it is too late`, async () => {
      await using world = await MovingWorld.open();
      const { uid } = await world.startWeb({ sendMs: 2000 });
      let refusal = "";
      let id = "";
      once(world, verb, when, async () => {
        await world.ctrl.runner.cancel(id, "asked by ann").catch((error) =>
          refusal = error.message
        );
      });
      id = await world.migrate();
      const { state, step } = await world.end(id);
      const isLate = isDecided(verb);
      strictEqual(state, isLate ? "succeeded" : "cancelled", String(step));
      if (isLate) match(refusal, /it belongs to node n2 already/);
      const vm = await world.untilOne(uid, "running");
      strictEqual(vm.node, isLate ? "n2" : "n1");
    });

    for (const cut of ["poweroff", "destroy"] as const) {
      Deno.test(`a ${cut} ${when} "${verb}" takes over, and leaves nothing on the other side`, async () => {
        await using world = await MovingWorld.open();
        const { uid } = await world.startWeb({ sendMs: 2000 });
        let off = "";
        once(world, verb, when, async () => {
          off = await world.ctrl.submit({ verb: cut, names: ["web"] });
        });
        const id = await world.migrate();
        strictEqual((await world.end(id)).state, "cancelled");
        strictEqual((await world.end(off)).state, "succeeded");
        if (cut === "poweroff") await world.untilOne(uid, "stopped");
        else {
          await world.until(
            "nothing is left",
            () => world.copies(uid).length === 0,
          );
          strictEqual(world.web(), undefined);
        }
      });
    }
  }

  Deno.test(`a node that refuses "${verb}" leaves the VM in one place`, async () => {
    await using world = await MovingWorld.open();
    const { uid } = await world.startWeb({ sendMs: 2000 });
    const at = nodeOf(verb);
    world.faults(at).migrationFailsAt = verb;
    const id = await world.migrate("n2");
    const { state, problem, step } = await world.end(id);
    if (verb === "release") strictEqual(state, "succeeded");
    else {
      strictEqual(state, "failed");
      match(problem?.detail ?? "", /was made to fail here/, String(step));
    }
    if (isDecided(verb)) {
      strictEqual(world.web()?.node, "n2");
      delete world.faults(at).migrationFailsAt;
    }
    const vm = await world.untilOne(uid, "running");
    strictEqual(vm.node, isDecided(verb) ? "n2" : "n1");
  });
}

Deno.test("a migration that cannot give way is pushed aside, and leaves nothing at the target", async () => {
  await using world = await MovingWorld.open();
  const { uid } = await world.startWeb({ sendMs: 60_000 });
  // Where nobody says so, only the controller knows that a copy may be there.
  world.isMute = true;
  let off = "";
  once(world, "receive", "after", async () => {
    off = await world.ctrl.submit({ verb: "poweroff", names: ["web"] });
    world.store.fail({ times: 8 });
  });
  const id = await world.migrate();
  strictEqual((await world.end(id)).state, "cancelled");
  strictEqual((await world.end(off)).state, "succeeded");
  strictEqual((await world.untilOne(uid, "stopped")).node, "n1");
});

Deno.test("a guest that ends at its source while the target is cleared away is not taken for running", async () => {
  await using world = await MovingWorld.open();
  const { uid } = await world.startWeb({ sendMs: 1000 });
  const [sent, cleared] = [
    Promise.withResolvers<void>(),
    Promise.withResolvers<void>(),
  ];
  let keptAt = Infinity;
  world.meddle = async ({ verb }, when) => {
    if (verb === "send" && when === "after") await sent.promise;
    if (verb === "release" && when === "before") await cleared.promise;
    if (verb === "abort" && when === "after") keptAt = world.clock.monotonic();
  };
  const id = await world.migrate("n2");
  const isKnownAs = (state: string) => () =>
    world.web()?.status.state === state;
  await world.until("all of it is sent", isKnownAs("migrating"));
  // That it goes on is told by the answer alone.
  world.isMute = true;
  await world.ctrl.runner.cancel(id, "asked by ann");
  sent.resolve();
  await world.until(
    "the source goes on",
    () => world.clock.monotonic() > keptAt + 1000,
  );
  world.isMute = false;
  world.crash("n1", uid);
  await world.until("its end is known", isKnownAs("crashed"));
  cleared.resolve();
  strictEqual((await world.end(id)).state, "cancelled");
  strictEqual((await world.untilOne(uid, "crashed")).node, "n1");
});

function nodeOf(verb: ActVerb): string {
  return verb === "receive" || verb === "activate" ? "n2" : "n1";
}
