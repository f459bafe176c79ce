/**
 * Guests that a guard has in hand, on a node of either hypervisor whose guests
 * are processes: what tests of the two guards do alike.
 *
 * @module
 */
import type { DomainPlan } from "../../src/driver/driver.ts";
import { guardFiles } from "../../src/driver/guard/protocol.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { type DriverHarness, noAbort } from "../conformance/driver/harness.ts";

/** A lease that ends in no test, in ms. */
export const FAR = 3_600_000;

/** A node whose driver has a guard, with its files in `runDir`. */
export type GuardedNode = DriverHarness & {
  readonly layout: { readonly runDir: string };
};

/** A guest that is to be guarded, and runs. */
export async function startGuarded(node: GuardedNode): Promise<DomainPlan> {
  const plan = await node.plan();
  const guarded = {
    ...plan,
    spec: { ...plan.spec, onNodeLoss: "restart" as const },
  };
  await node.driver.start(guarded, noAbort());
  return guarded;
}

/** Gives the node's guests a lease of `ms`, from now. */
export function renew(node: GuardedNode, ms: number) {
  return node.driver.guarding!.renew(systemClock.boot() + ms, noAbort());
}

/** Lets those go on that are held, under a lease of `ms`. */
export function release(node: GuardedNode, uids: string[], ms = FAR) {
  const end = systemClock.boot() + ms;
  return node.driver.guarding!.release(uids, end, noAbort());
}

/** What the guard has written down that it holds. */
export function held(node: GuardedNode): { uid: string; how: string }[] {
  const path = guardFiles(node.layout.runDir).held;
  try {
    return JSON.parse(Deno.readTextFileSync(path));
  } catch {
    return [];
  }
}
