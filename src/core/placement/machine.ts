/**
 * Filters on what a node is: its drivers, its labels, its processors.
 *
 * @module
 */
import type { Ask } from "./ask.ts";
import type { Filter, Refusal } from "./filter.ts";
import type { PlacementNode } from "./picture.ts";
import type { Wish } from "./wish.ts";

/** A VM may have so many vcpus for each processor of its node. */
export const MAX_VCPUS_PER_CPU = 8;

const driver: Filter = {
  name: "driver",
  fixed: true,
  admits: ({ node }, { wish }) =>
    node.drivers.some(({ name, health }) =>
      name === wish.driver && health === "healthy"
    ),
  refusal: ({ node }, { wish }) => driverRefusal(node, wish),
};

function driverRefusal(
  node: PlacementNode,
  { driver: wanted, abilities }: Wish,
): Refusal {
  const healthy = node.drivers.filter(({ health }) => health === "healthy")
    .map(({ name }) => name);
  const has = healthy.join(", ");
  const isMoved = abilities?.includes("migration") === true;
  const use = healthy.length === 0 || isMoved
    ? ""
    : `, or use one that it has: ${has}`;
  const known = node.drivers.find(({ name }) => name === wanted);
  if (known?.health === "unhealthy" || (known?.reason ?? "") !== "") {
    return {
      why: `driver ${wanted} does not work there: ${
        known?.reason || "no reason"
      }`,
      change: `mend driver ${wanted}${use}`,
    };
  }
  const why = isMoved && healthy.length > 0
    ? `it has ${has} and not ${wanted}, and a VM moves between nodes of one driver alone`
    : `driver ${wanted}: not installed there`;
  return { why, change: `install driver ${wanted}${use}` };
}

/** What a driver that works can do besides. */
const ability: Filter = {
  name: "ability",
  fixed: true,
  admits: ({ node }, { wish }) => lacking(node, wish).length === 0,
  refusal: ({ node }, { wish }) => ({
    why: `driver ${wish.driver} there lacks ${lacking(node, wish).join(", ")}`,
    change: "",
  }),
};

/** A driver that is not there lacks nothing: that is said of it already. */
function lacking(
  node: PlacementNode,
  { driver, abilities = [] }: Wish,
): string[] {
  if (abilities.length === 0) return [];
  const has = node.drivers.find(({ name, health }) =>
    name === driver && health === "healthy"
  )?.abilities;
  return abilities.filter((it) => has?.includes(it) === false);
}

const labels: Filter = {
  name: "labels",
  fixed: true,
  admits: ({ node }, { labels }) =>
    labels.every(([key, value]) => labelOf(node, key) === value),
  refusal: ({ node }, ask) => labelRefusal(node, ask),
  distance: ({ node }, { labels }) =>
    labels.filter(([key, value]) => labelOf(node, key) !== value).length,
};

function labelRefusal(node: PlacementNode, ask: Ask): Refusal {
  const wrong = ask.labels.filter(([key, value]) =>
    labelOf(node, key) !== value
  );
  const why = wrong.map(([key, value]) => {
    const has = labelOf(node, key);
    return has === undefined
      ? `label ${key}=${value} is missing`
      : `label ${key} is "${has}", not "${value}"`;
  });
  const wanted = wrong.map(([key, value]) => `${key}=${value}`).join(", ");
  return {
    why: why.join(", "),
    change: `set ${wanted} in its lnm.yaml, or do not ask for it`,
  };
}

/** A label by its own key: records have no `constructor` of their own. */
function labelOf({ labels }: PlacementNode, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

const processors: Filter = {
  name: "processors",
  fixed: true,
  admits: ({ node }, { wish }) =>
    wish.vcpus <= node.capacity.cpus * MAX_VCPUS_PER_CPU,
  refusal: ({ node }, { wish }) => {
    const most = node.capacity.cpus * MAX_VCPUS_PER_CPU;
    return {
      why:
        `needs ${wish.vcpus} vcpus: one VM may have ${most} on its ${node.capacity.cpus} processors`,
      change: `ask for ${most} vcpus or fewer`,
    };
  },
  distance: ({ node }) => -node.capacity.cpus,
};

/** What a node must be. */
export const MACHINE_FILTERS: readonly Filter[] = [
  driver,
  ability,
  labels,
  processors,
];
