/**
 * `GET /v1/vms`: the caller's VMs, filtered, whole or one a line.
 *
 * @module
 */
import {
  isGlob,
  matchesAll,
  matchesName,
  parseFilter,
} from "../../core/selector.ts";
import { splitVmName } from "../../schema/name.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Caller } from "../auth/accounts.ts";
import { maySee, NameResolver } from "../names.ts";
import type { Site } from "../site.ts";
import { vmView } from "../views.ts";
import { ndjson } from "./stream.ts";

/** What a filter may ask about. */
const FILTER_KEYS = [
  "name",
  "cluster",
  "user",
  "state",
  "node",
  "driver",
  "vcpus",
  "memory",
  "reason",
  "uid",
];

/** Answers a list of VMs. Throws `not_found` for a literal name that is none. */
export function listVms(site: Site, caller: Caller, url: URL): Response {
  const vms = chosen(site, caller, url);
  const revision = site.changes.newest;
  const show: (vm: Vm) => unknown = url.searchParams.get("fields") === "name"
    ? (vm: Vm) => ({ uid: vm.uid, name: vm.name, state: vm.status.state })
    : (vm: Vm) => vmView(vm, site.links, site.runner);
  if (url.searchParams.get("stream") === "1") {
    return ndjson(async function* () {
      for (const vm of vms) yield await Promise.resolve(show(vm));
    }, site);
  }
  return new Response(JSON.stringify({ revision, vms: vms.map(show) }), {
    headers: { "content-type": "application/json" },
  });
}

function chosen(site: Site, caller: Caller, url: URL): Vm[] {
  const conditions = parseFilter(
    url.searchParams.get("filter") ?? "",
    FILTER_KEYS,
  );
  const names =
    url.searchParams.get("names")?.split(",").filter((name) => name !== "") ??
      [];
  const candidates = names.length === 0
    ? allOf(site, caller)
    : named(site, caller, names);
  const vms = conditions.length === 0
    ? candidates
    : candidates.filter((vm) =>
      matchesAll(conditions, (key) => valueOf(vm, key))
    );
  return vms.sort((a, b) => a.name < b.name ? -1 : 1);
}

function allOf(site: Site, caller: Caller): Vm[] {
  return [...site.records.vms.values()].filter((vm) => maySee(caller, vm));
}

/** A glob that matches nothing lists nothing; a literal name must exist. */
function named(site: Site, caller: Caller, names: readonly string[]): Vm[] {
  const resolver = new NameResolver(site.records, caller);
  const found = new Map<string, Vm>();
  for (const name of names) {
    const vms = isGlob(name)
      ? allOf(site, caller).filter((vm) => matchesName(vm.name, name))
      : [resolver.one(name)];
    for (const vm of vms) found.set(vm.uid, vm);
  }
  return [...found.values()];
}

function valueOf(vm: Vm, key: string): string {
  switch (key) {
    case "name":
      return splitVmName(vm.name).vm;
    case "cluster":
      return splitVmName(vm.name).cluster;
    case "user":
      return splitVmName(vm.name).user;
    case "state":
      return vm.status.state;
    case "reason":
      return vm.status.reason;
    case "node":
      return vm.node ?? "";
    case "driver":
      return vm.spec.driver ?? "";
    case "vcpus":
      return String(vm.spec.vcpus);
    case "memory":
      return String(vm.spec.memoryMiB);
    default:
      return vm.uid;
  }
}
