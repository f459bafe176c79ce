/**
 * The driver of nothing at all: simulated domains, for people who try usher,
 * for tests, and for sites of any size in one process.
 *
 * It is deterministic under the clock it is given, keeps every promise of
 * `driver.ts`, and breaks things on request (`faults.ts`). Its domains live
 * in a `SimHypervisor`, which outlives the driver.
 *
 * @module
 */
import type { z } from "zod";
import type { Clock } from "../../sys/clock.ts";
import type { Driver, DriverContext } from "../driver.ts";
import { SimDriver } from "./driver.ts";
import { parseSimNodeOptions, type SimNodeOptions } from "./faults.ts";
import { SimHypervisor } from "./hypervisor.ts";

export { SimDriver };

/** What a sim driver may be made with. */
export interface SimDriverOptions {
  /** The node's knobs; see `faults.ts`. */
  readonly faults?: z.input<typeof SimNodeOptions>;
  /** Ignored when `hypervisor` is given, which has its own. */
  readonly clock?: Clock;
  /** A hypervisor that outlives this driver; without one it opens its own, in the state directory. */
  readonly hypervisor?: SimHypervisor;
}

/** Makes the driver. Domains of earlier drivers in the same state directory are there again. */
export async function createSimDriver(
  context: Pick<DriverContext, "stateDir" | "log">,
  { faults = {}, clock, hypervisor }: SimDriverOptions = {},
): Promise<SimDriver> {
  const its = hypervisor ??
    await SimHypervisor.open({
      stateDir: context.stateDir,
      ...(clock === undefined ? {} : { clock }),
    });
  const driver = new SimDriver(
    its,
    parseSimNodeOptions(faults),
    hypervisor === undefined,
  );
  context.log("debug", "sim hypervisor opened", { domains: its.size });
  return driver;
}

/** Makes the driver from the node's configuration, `config` not being checked yet. */
export async function openSimDriver(
  context: DriverContext,
  config: unknown,
): Promise<Driver> {
  return await createSimDriver(context, {
    faults: parseSimNodeOptions(config),
  });
}
