/**
 * What plugins are told while controllers die at any instant: everything, in
 * order, and again only under the same name.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { VmRequestInput } from "../../src/schema/request.ts";
import { CrashingSite, type Death } from "../support/crashing_site.ts";
import { type Heard, HeardEvents } from "../support/heard_events.ts";
import { until } from "../support/wait.ts";

/** More than any life here has. */
const MOST = 60;

/** Does `act`, and does it again with the next controller when one dies; answers how many died. */
async function survive(
  site: CrashingSite,
  act: () => Promise<unknown>,
): Promise<number> {
  for (let died = 0;; died++) {
    const done = act();
    done.catch(() => {}); // that of a dead controller, which never answers
    const isDead = await Promise.race([
      site.died.then(() => true),
      done.then(() => false),
    ]);
    if (!isDead) return died;
    await site.revive();
  }
}

/** What is in the state and has not been told. */
async function untold(site: CrashingSite): Promise<number> {
  let count = 0;
  for await (const { key, type } of site.engine.records.snapshot()) {
    if (key[0] === "told") count += type === "set" ? 1 : -1;
  }
  return count;
}

/** One life of a VM, with one death; answers what was heard, and how many died. */
async function live(death: Death): Promise<{ died: number; events: Heard[] }> {
  const events = new HeardEvents();
  await using site = await CrashingSite.start(1, events);
  const isThere = () => site.hypervisor("n1").all().length > 0;
  let [isRegistered, startedBefore] = [false, false];
  events.onTell = async ({ event }) => {
    // Long enough that the controller dies in the middle of it.
    await new Promise((resolve) => setTimeout(resolve, 2));
    if (event !== "register") return;
    // When it is told again, its first chain may have ended.
    startedBefore ||= isThere() && !isRegistered;
    isRegistered = true;
  };
  site.arm(death);
  const names = ["web"];
  const ask = (id: string, verb: "start" | "destroy") =>
    survive(site, () => {
      return site.run({ id, verb, names } as VmRequestInput & { id: string });
    });
  let died = await ask("started-1", "start");
  died += await ask("destroyed-1", "destroy");
  died += await survive(
    site,
    () => until("all is told", async () => await untold(site) === 0),
  );
  strictEqual(startedBefore, false, "a start waits for its register chain");
  return { died, events: events.heard };
}

function check(heard: readonly Heard[]): void {
  const told = new Map<string, Heard>();
  for (const one of heard) {
    if (one.event.endsWith("_authenticate")) continue;
    const { decision } = one.firing;
    const before = told.get(decision);
    // Again, it is the very same.
    if (before !== undefined) deepStrictEqual(one.args, before.args);
    else told.set(decision, one);
  }
  const ofWeb = [...told.values()].filter(({ args: [first] }) =>
    (first as { name?: string }).name === "web.default.ann"
  );
  const events = ofWeb.map(({ event }) => event);
  deepStrictEqual(
    events.filter((event) => event !== "state_change"),
    ["register", "start", "unregister"],
  );
  const states = ofWeb.slice(0, events.indexOf("start")).map(({ args }) =>
    (args[0] as { status: { state: string } }).status.state
  );
  strictEqual(states.at(-1), "running");
  const clusters = [...told.values()].filter(({ event }) =>
    event === "cluster_register"
  );
  strictEqual(clusters.length, 1);
  const connected = [...told.values()].map(({ event }) => event)
    .filter((event) => event.startsWith("lnm_"));
  for (const [i, event] of connected.entries()) {
    strictEqual(event, i % 2 === 0 ? "lnm_connect" : "lnm_disconnect");
  }
}

for (const at of ["commit", "down", "up"] as const) {
  Deno.test(`everything is told, in order, when the controller dies at any ${at}`, async () => {
    let moments = 0;
    for (let nth = 1; nth <= MOST; nth++) {
      const before = moments;
      for (const after of [false, true]) {
        const { died, events } = await live({ at, nth, after });
        moments += died;
        try {
          check(events);
        } catch (error) {
          throw new Error(`It died ${after ? "after" : "at"} ${at} ${nth}`, {
            cause: error,
          });
        }
      }
      if (moments === before) break;
    }
    ok(moments > 2, `it died ${moments} times`);
  });
}
