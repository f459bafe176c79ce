/**
 * A program that starts the micro guest with one nic and answers what came of
 * it: run by `in_namespace.sh`, in a network where it may.
 *
 * @module
 */
import type { DomainCounters } from "../../src/driver/driver.ts";
import { noAbort, powerOff } from "../conformance/driver/harness.ts";
import { QemuNode } from "./qemu_node.ts";
import { until } from "./wait.ts";

/** What the guest was heard to do. */
export interface NamespaceGuest {
  /** What its web server said. */
  readonly page: string;
  readonly counters: DomainCounters | undefined;
  /** The same, as a restarted driver counts it. */
  readonly later: DomainCounters | undefined;
}

const BOOT_MS = 240_000;

async function tryNic(nic: unknown): Promise<NamespaceGuest> {
  await using node = await QemuNode.open({
    config: { bridges: ["br0"], taps: ["tap*"] },
  });
  const plan = node.planGuest("usher.address=10.9.0.2/24", { nics: [nic] });
  await node.driver.start(plan, noAbort());
  await node.untilPrinted(plan.uid, "usher-guest ready", BOOT_MS);
  const page = await until("the guest answers", async () => {
    const signal = AbortSignal.timeout(10_000);
    return await (await fetch("http://10.9.0.2/", { signal })).text();
  }, node);
  const count = async () =>
    (await node.driver.counters(noAbort())).get(plan.uid);
  const counters = await count();
  await node.reopen();
  const later = await count();
  await powerOff(node, plan.uid);
  return { page, counters, later };
}

if (import.meta.main) {
  console.log(JSON.stringify(await tryNic(JSON.parse(Deno.args[0] ?? ""))));
}
