/**
 * What events carry, for tests of plugins: sound values in a word each.
 *
 * @module
 */
import { NodeView, VmView } from "../../src/schema/change.ts";
import { StartValue } from "../../src/schema/event_value.ts";
import { uid } from "./stored.ts";

const AT = "2026-01-01T00:00:00.000Z";

/** Who asks in a request: ann, unless it says otherwise. */
export const ASKED_BY_ANN = {
  id: "request-1",
  user: "ann",
  role: "user",
  groups: [],
  plugin: null,
};

/** A VM that runs on `n1`. */
export function aVm(name: string, more: Partial<VmView> = {}): VmView {
  return VmView.parse({
    v: 1,
    uid: uid(
      [...name].filter((c) => /[a-z0-9]/.test(c)).join("").slice(0, 20)
        .replaceAll(/[ilou]/g, "x"),
    ),
    name,
    generation: 1,
    spec: {},
    status: {
      state: "running",
      reason: "",
      incarnation: null,
      since: AT,
      observedGeneration: 1,
    },
    node: "n1",
    args: {},
    createdAt: AT,
    revision: 1,
    usage: null,
    holder: null,
    ...more,
  });
}

/** A node with four processors and 8 GiB that is ready. */
export function aNode(name: string, more: Partial<NodeView> = {}): NodeView {
  return NodeView.parse({
    v: 1,
    name,
    state: "ready",
    since: AT,
    version: "0.0.0",
    capacity: { cpus: 4, memoryMiB: 8192 },
    drivers: [{ name: "sim", health: "healthy" }],
    joinedAt: AT,
    revision: 1,
    usage: null,
    vms: 0,
    allocatedMiB: 0,
    allocatedCpus: 0,
    ...more,
  });
}

/** ann's request to start new VMs of these names. */
export function startRequest(
  names: readonly string[],
  more: Record<string, unknown> = {},
): StartValue {
  return StartValue.parse({
    verb: "start",
    names,
    ...ASKED_BY_ANN,
    vms: names.map((name) => ({ name, uid: null, node: null })),
    ...more,
  });
}
