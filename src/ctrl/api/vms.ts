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
import { UsherError } from "../../error/mod.ts";
import { compareNaturally } from "../../schema/natural_order.ts";
import { withoutSuffix } from "../../schema/name.ts";
import type { Vm } from "../../schema/vm.ts";
import { Access } from "../auth/access.ts";
import type { Caller } from "../auth/caller.ts";
import { VM_KEYS, vmField } from "../fields.ts";
import { NameResolver } from "../requests/names.ts";
import { admittedVms, type Read } from "../requests/read_chains.ts";
import type { Site } from "../site.ts";
import { vmView } from "../views.ts";
import { jsonList } from "./json_list.ts";
import { ndjson } from "./stream.ts";

/** Answers a list of VMs. Throws `not_found` for a literal name that is none. */
export async function listVms(
  site: Site,
  caller: Caller,
  url: URL,
): Promise<Response> {
  const read = readOf(url, site.config.name_suffix);
  const admits = await admittedVms(caller, read, site);
  const all = chosen(site, caller, read);
  const vms = admits === null ? all : all.filter(admits);
  const revision = site.changes.newest;
  const show = shownBy(site, url.searchParams.get("fields"));
  if (url.searchParams.get("stream") === "1") {
    return ndjson(async function* () {
      for (const vm of vms) yield await Promise.resolve(show(vm));
    }, site);
  }
  return jsonList({ revision }, "vms", vms, show, site);
}

/**
 * The one VM that a reader means by a name, if its chains let it be shown.
 * Throws `not_found`, also for one that they hide.
 */
export async function shownVm(
  site: Site,
  caller: Caller,
  text: string,
): Promise<Vm> {
  const name = withoutSuffix(text, site.config.name_suffix);
  const read = { names: [name], filter: "" };
  const admits = await admittedVms(caller, read, site);
  const vm = new NameResolver(site.records, caller).one(name);
  if (admits === null || admits(vm)) return vm;
  throw new UsherError("not_found", `There is no VM "${name}"`, {
    hint: 'see what there is with "usher vm list"',
    subject: name,
  });
}

/** How each VM is answered: whole, or what a reader of very many says it needs. */
function shownBy(site: Site, fields: string | null): (vm: Vm) => unknown {
  switch (fields) {
    case "name":
      return ({ uid, name, status: { state } }) => ({ uid, name, state });
    case "row":
      return ({ uid, name, node, status: { state, since }, spec }) => ({
        uid,
        name,
        node,
        status: { state, since },
        spec: { vcpus: spec.vcpus, memoryMiB: spec.memoryMiB },
      });
    default:
      return (vm) => vmView(vm, site);
  }
}

/** What a query asks for. */
function readOf(url: URL, suffix: string): Read {
  const names = url.searchParams.get("names")?.split(",") ?? [];
  return {
    names: names.filter((name) => name !== "").map((name) =>
      withoutSuffix(name, suffix)
    ),
    filter: url.searchParams.get("filter") ?? "",
  };
}

function chosen(site: Site, caller: Caller, { names, filter }: Read): Vm[] {
  const conditions = parseFilter(filter, [...VM_KEYS]);
  const candidates = names.length === 0
    ? allOf(site, caller)
    : named(site, caller, names);
  const vms = conditions.length === 0
    ? candidates
    : candidates.filter((vm) =>
      matchesAll(conditions, (key) => vmField(vm, key))
    );
  return vms.sort((a, b) => compareNaturally(a.name, b.name));
}

function allOf(site: Site, caller: Caller): Vm[] {
  const access = new Access(caller, site.records);
  return [...site.records.vms.values()].filter(({ name }) =>
    access.maySee(name)
  );
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
