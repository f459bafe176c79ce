/**
 * `uipmgr` on the bench: starts that ann asks for, and the VMs that they make.
 *
 * @module
 */
import type { VmView } from "../../src/schema/change.ts";
import type { StartValue } from "../../src/schema/event_value.ts";
import type { Bench } from "./plugin_bench.ts";
import { aVm, startRequest } from "./plugin_values.ts";

/** Eleven addresses for everybody, and two for some. */
export const RANGES = {
  lab: {
    ipv4: { network: "10.1.0.0/24", gateway: "10.1.0.1", last: "10.1.0.12" },
    ipv6: { network: "2001:db8:1::/64", gateway: "2001:db8:1::1" },
    vlan: 12,
    bridge: "br12",
  },
  secret: { ipv4: { network: "10.2.0.0/30" }, users: ["bob"], groups: ["ops"] },
};

/** What a start says beside its names. */
export interface More extends Record<string, unknown> {
  readonly decision?: string;
}

/** ann asks to start VMs; the request as it comes out. */
export async function start(
  bench: Bench,
  names: readonly string[],
  { decision, ...more }: More = {},
): Promise<StartValue> {
  const answer = await bench.call(
    "start_request",
    [startRequest(names, more)],
    decision === undefined ? {} : { decision },
  );
  return answer?.[0] as StartValue;
}

/** A VM that was started so and is known. */
export async function made(
  bench: Bench,
  name: string,
  uid?: string,
): Promise<VmView> {
  const vm = vmOf(await start(bench, [name]), name, uid);
  bench.site.vms = [...bench.site.vms, vm];
  await bench.call("register", [vm]);
  return vm;
}

/** The VM that such a start makes. */
export function vmOf(request: StartValue, name: string, uid?: string): VmView {
  const args = { ...request.args, ...request.vmArgs[name] };
  return aVm(name, { args, ...(uid === undefined ? {} : { uid }) });
}

/** The address that a VM is to get. */
export function ipOf(request: StartValue, name: string): string | undefined {
  return request.vmArgs[name]?.["ip"];
}
