/**
 * Every driver, one line each. A driver is imported when a node first asks
 * for it, so a node pays only for what it uses.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import { readTextOrNull } from "../sys/file.ts";
import type { Driver, DriverContext } from "./driver.ts";
import type { Hands } from "./guard/guard.ts";
import type { Target } from "./guard/protocol.ts";

/** Makes a driver; `config` is its part of the node's configuration, not yet checked. */
export type DriverFactory = (
  context: DriverContext,
  config: unknown,
) => Promise<Driver>;

/** The drivers that usher knows, by name. */
export const drivers: Readonly<Record<string, DriverFactory>> = {
  qemu: async (context, config) =>
    await (await import("./qemu/mod.ts")).openQemuDriver(context, config),
  xen: async (context, config) =>
    await (await import("./xen/mod.ts")).openXenDriver(context, config),
  libvirt: async (context, config) =>
    await (await import("./libvirt/mod.ts")).openLibvirtDriver(context, config),
  sim: async (context, config) =>
    await (await import("./sim/mod.ts")).openSimDriver(context, config),
};

/** Processes that outlive the LNM, by driver: those that carry a domain to another node, and those that pause guests in time. */
type Runs = Readonly<Record<string, (dir: string) => Promise<number>>>;

const guards: Runs = {
  qemu: async (dir) => {
    const { qemuHands } = await import("./qemu/guard/hands.ts");
    return await runGuardOf(dir, qemuHands);
  },
  libvirt: async (dir) => {
    const { LibvirtHands } = await import("./libvirt/guard/hands.ts");
    return await runGuardOf(dir, new LibvirtHands());
  },
};

const carriers: Runs = {
  xen: async (dir) =>
    await (await import("./xen/migration/carrier.ts")).runCarrier(dir),
  libvirt: async (dir) =>
    await (await import("./libvirt/migration/carrier.ts")).runCarrier(dir),
};

/** Runs what a driver has started by `usher guard DRIVER DIR`, to its end; the exit code. */
export async function runGuard(argv: readonly string[]): Promise<number> {
  const [driver = "", dir = ""] = argv;
  // A folder with a task in it is a move's; a guard's is that of its sockets.
  const runs = await readTextOrNull(`${dir}/task.json`) === null
    ? guards
    : carriers;
  const run = Object.hasOwn(runs, driver) ? runs[driver] : undefined;
  if (run === undefined || !dir.startsWith("/")) return NO_SUCH_GUARD;
  return await run(dir);
}

async function runGuardOf<T extends Target>(
  dir: string,
  hands: Hands<T>,
): Promise<number> {
  return await (await import("./guard/run.ts")).runGuard(dir, hands);
}

/** What a guard ends with that nobody could have started; the code of a usage error. */
const NO_SUCH_GUARD = 64;

/** Where a node has its things, whether or not it runs itself. */
export interface NodePlaces {
  /** The driver's own folders, as in `DriverContext`. */
  readonly stateDir: string;
  readonly runDir: string;
  /** The driver's part of the node's configuration, not yet checked. */
  readonly config: unknown;
}

/** How many guests of ours a driver finds at work, without becoming a driver; by driver. */
const counts: Readonly<
  Record<string, (places: NodePlaces) => Promise<number>>
> = {
  qemu: async ({ stateDir, runDir }) => {
    const { layOut } = await import("./qemu/layout.ts");
    const { scanProcesses } = await import("./qemu/process_scan.ts");
    const layout = layOut(stateDir, runDir);
    return layout === null ? 0 : scanProcesses(layout).own.length;
  },
  xen: async ({ stateDir, config }) =>
    await (await import("./xen/counting.ts")).countXenGuests(stateDir, config),
  libvirt: async ({ stateDir, config }) =>
    await (await import("./libvirt/counting.ts"))
      .countLibvirtGuests(stateDir, config),
};

/**
 * How many guests run that the driver called `name` has started on a node.
 * None for a driver whose domains end with usher. Throws when it cannot tell.
 */
export async function countGuests(
  name: string,
  places: NodePlaces,
): Promise<number> {
  const count = Object.hasOwn(counts, name) ? counts[name] : undefined;
  return await count?.(places) ?? 0;
}

/** Makes the driver called `name`. Throws `unsupported` when there is none. */
export function createDriver(
  name: string,
  context: DriverContext,
  config: unknown,
): Promise<Driver> {
  const make = Object.hasOwn(drivers, name) ? drivers[name] : undefined;
  if (make !== undefined) return make(context, config);
  const known = Object.keys(drivers).join(", ");
  return Promise.reject(
    new UsherError(
      "unsupported",
      `Cannot load driver "${name}": usher has no such driver`,
      {
        hint: `The drivers are ${known}.`,
        field: `drivers.${name}`,
      },
    ),
  );
}
