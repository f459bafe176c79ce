/**
 * Sites for tests of placement: nodes, VMs and wishes in a word each.
 *
 * @module
 */
import type { Resident } from "../../src/core/placement/neighbours.ts";
import {
  Picture,
  type PlacementNode,
} from "../../src/core/placement/picture.ts";
import type { Wish } from "../../src/core/placement/wish.ts";
import type { DriverReport } from "../../src/schema/node.ts";
import type { PlacementSpec } from "../../src/schema/vm.ts";

/** A driver that works, or does not. */
export function driverReport(
  name: string,
  health: DriverReport["health"] = "healthy",
  reason = "",
): DriverReport {
  return { name, health, reason, version: "1", attributes: {}, abilities: [] };
}

/** A node of 4 processors and 1000 MiB that has the sim driver. */
export function placementNode(
  name: string,
  more: Partial<PlacementNode> = {},
): PlacementNode {
  return {
    name,
    state: "ready",
    since: "2026-01-01T00:00:00.000Z",
    draining: false,
    capacity: { cpus: 4, memoryMiB: 1000 },
    overcommit: { memory: 1, cpus: 16 },
    labels: {},
    drivers: [driverReport("sim")],
    ...more,
  };
}

/** What a wish or a resident may be given: constraints stand beside the rest. */
export type Constraints = Partial<PlacementSpec>;

/** The full name of ann's VM in her default cluster. */
export function annsVm(name: string): string {
  return name.includes(".") ? name : `${name}.default.ann`;
}

/** A VM of ann's that asks for 100 MiB and one vcpu; its uid is its name. */
export function wishFor(
  name: string,
  more: Partial<Omit<Wish, "placement">> = {},
  constraints: Constraints = {},
): Wish {
  return {
    uid: name,
    name: annsVm(name),
    driver: "sim",
    memoryMiB: 100,
    vcpus: 1,
    placement: {
      nodeLabels: {},
      apartFrom: [],
      togetherWith: [],
      ...constraints,
    },
    ...more,
  };
}

/** A VM of ann's that is on at a node and takes 100 MiB and one vcpu there. */
export function residentAt(
  node: string | readonly string[],
  name: string,
  more: Partial<Resident> = {},
): Resident {
  return {
    uid: name,
    name: annsVm(name),
    nodes: typeof node === "string" ? [node] : node,
    memoryMiB: 100,
    vcpus: 1,
    on: true,
    apartFrom: [],
    togetherWith: [],
    ...more,
  };
}

/** The picture of these nodes and VMs. */
export function pictureOf(
  nodes: readonly PlacementNode[],
  residents: readonly Resident[] = [],
): Picture {
  const picture = new Picture();
  for (const node of nodes) picture.setNode(node.name, node);
  for (const it of residents) picture.setResident(it.uid, it);
  return picture;
}
