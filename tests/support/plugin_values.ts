/**
 * What events carry, for tests of plugins: sound values in a word each.
 *
 * @module
 */
import { NodeView, VmView } from "../../src/schema/change.ts";
import {
  EXAMPLE_ASKED,
  EXAMPLE_NODE,
  EXAMPLE_VM,
} from "../../src/schema/event_example.ts";
import { StartValue } from "../../src/schema/event_value.ts";
import { uid } from "./stored.ts";

/** The example VM under another name, with a uid made of it. */
export function aVm(name: string, more: Partial<VmView> = {}): VmView {
  const digits = [...name].filter((c) => /[a-z0-9]/.test(c)).join("")
    .slice(0, 20).replaceAll(/[ilou]/g, "x");
  return VmView.parse({
    ...EXAMPLE_VM,
    uid: uid(digits),
    name,
    usage: null,
    holder: null,
    ...more,
  });
}

/** The example node under another name, with the driver `sim`. */
export function aNode(name: string, more: Partial<NodeView> = {}): NodeView {
  return NodeView.parse({
    ...EXAMPLE_NODE,
    name,
    drivers: [{ name: "sim", health: "healthy" }],
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
    ...EXAMPLE_ASKED,
    vms: names.map((name) => ({ name, uid: null, node: null })),
    ...more,
  });
}
