/**
 * An example of what each event carries: sound values, which checks of plugins
 * write their own over.
 *
 * @module
 */
import { z } from "zod";
import { type EventName, EVENTS } from "./event.ts";
import { RequestValue } from "./event_value.ts";
import { Node } from "./node.ts";
import { Vm } from "./vm.ts";

const AT = "2026-01-01T00:00:00.000Z";
const VM_NAME = "web.default.ann";

/** A running VM of ann's. */
export const EXAMPLE_VM: Vm = Vm.parse({
  v: 1,
  uid: "01jgfj00000000000000000000",
  name: VM_NAME,
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
});

/** A node with four processors and 8 GiB. */
export const EXAMPLE_NODE: Node = Node.parse({
  v: 1,
  name: "n1",
  state: "ready",
  since: AT,
  version: "0.1.0",
  capacity: { cpus: 4, memoryMiB: 8192 },
  drivers: [],
  joinedAt: AT,
  revision: 1,
});

/** Who asks in a request: ann, a user. */
export const EXAMPLE_ASKED = {
  id: "example-request",
  user: "ann",
  role: "user",
  groups: [],
  plugin: null,
};

/** By the names that arguments have in the catalogue. */
const EXAMPLES: Readonly<Record<string, unknown>> = {
  credentials: { user: "ann", password: "secret", address: "192.0.2.1" },
  valid: false,
  identity: { role: null, groups: [] },
  client: {
    id: "example-client",
    user: "ann",
    role: "user",
    groups: [],
    address: "192.0.2.1",
    since: AT,
  },
  cluster: {
    v: 1,
    name: "default.ann",
    user: "ann",
    createdAt: AT,
    createdBy: "ann",
  },
  site: { version: "0.1.0", epoch: 1, nameSuffix: "vm.example", startedAt: AT },
  lnm: EXAMPLE_NODE,
  from: EXAMPLE_NODE,
  vm: EXAMPLE_VM,
  failure: {
    type: "about:blank",
    title: "driver failed",
    status: 502,
    detail: `Cannot start VM "${VM_NAME}": the disk is not there`,
    code: "driver_failed",
    retry: "no",
    outcome: "none",
  },
};

/** The verb of each event that a request brings, as its value has it. */
function requestFor(event: EventName): unknown {
  const [, verb = "start"] = /^(?:(\w+)_request|request)$/.exec(event) ?? [];
  if (verb === "list" || verb === "lnm_list") {
    return RequestValue.parse({
      verb,
      ...EXAMPLE_ASKED,
      names: [],
      filter: "",
    });
  }
  const vms = [{ name: VM_NAME, uid: EXAMPLE_VM.uid, node: "n1" }];
  return RequestValue.parse({ verb, ...EXAMPLE_ASKED, names: ["web"], vms });
}

/** Sound arguments of an event. */
export function exampleArgs(event: EventName): unknown[] {
  return EVENTS[event].names.map((name) =>
    name === "request" ? requestFor(event) : EXAMPLES[name]
  );
}

/** `given` over the example of `event`, key by key; `given` alone for events of plugins. */
export function argsOver(
  event: string,
  given: readonly unknown[],
): unknown[] {
  if (!Object.hasOwn(EVENTS, event)) return [...given];
  const example = exampleArgs(event as EventName);
  return example.map((value, i) =>
    given[i] === undefined ? value : over(value, given[i])
  );
}

/** Objects are merged key by key; everything else is replaced. */
function over(below: unknown, above: unknown): unknown {
  const record = z.record(z.string(), z.unknown());
  const [a, b] = [record.safeParse(below), record.safeParse(above)];
  if (!a.success || !b.success) return above;
  const merged: Record<string, unknown> = { ...a.data };
  for (const [key, value] of Object.entries(b.data)) {
    merged[key] = over(merged[key], value);
  }
  return merged;
}
