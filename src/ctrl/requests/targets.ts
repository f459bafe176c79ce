/**
 * Targets: which VMs a request is about, known ones and new ones.
 *
 * Names are resolved as a whole before anything is written, so a misspelt
 * name in a list of ten changes nothing for the other nine.
 *
 * @module
 */
import { isGlob } from "../../core/selector.ts";
import { UsherError } from "../../error/mod.ts";
import { FOUND_OWNER, joinVmName, splitVmName } from "../../schema/name.ts";
import {
  MAX_VMS,
  type SpecInput,
  type VmRequest,
} from "../../schema/request.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Caller } from "../auth/caller.ts";
import { fullName, type NameResolver } from "./names.ts";

/** One VM of a request. */
export interface Target {
  /** The full name. */
  readonly name: string;
  /** Undefined when it must be registered. */
  readonly vm: Vm | undefined;
}

/** The targets of `request`, each VM once. Throws what is wrong with its names. */
export function targetsOf(
  request: VmRequest,
  resolver: NameResolver,
  caller: Caller,
): Target[] {
  const targets = request.verb === "start" || request.verb === "register"
    ? creatable(request, resolver, caller)
    : resolver.ours(request.names).map((vm) => ({ name: vm.name, vm }));
  if (targets.length > MAX_VMS) {
    throw new UsherError(
      "invalid_input",
      `A request may be about ${MAX_VMS} VMs at most: this one is about ${targets.length}`,
      {
        field: "names",
      },
    );
  }
  for (const { vm } of targets) {
    if (vm?.found === true) throw foreign(vm, request.verb);
  }
  return targets;
}

type Creating = Extract<VmRequest, { verb: "start" | "register" }>;

function creatable(
  request: Creating,
  resolver: NameResolver,
  caller: Caller,
): Target[] {
  const found = new Map<string, Target>();
  for (const text of numbered(request)) {
    for (const target of creatableOne(text, request, resolver, caller)) {
      found.set(target.name, target);
    }
  }
  return [...found.values()];
}

function creatableOne(
  text: string,
  request: Creating,
  resolver: NameResolver,
  caller: Caller,
): Target[] {
  if (isGlob(text)) {
    return resolver.ours([text]).map((vm) => ({ name: vm.name, vm }));
  }
  const vm = resolver.find(text);
  if (vm !== undefined) {
    resolver.access.requireControl(vm.name);
    refuseOtherSpec(vm, request.spec);
    return [{ name: vm.name, vm }];
  }
  const name = fullName(text, caller);
  const { user, cluster } = splitVmName(name);
  if (user === FOUND_OWNER || !resolver.access.mayControl(name)) {
    throw new UsherError(
      "permission_denied",
      `You may not make VMs of user "${user}" in cluster "${cluster}"`,
      { subject: name },
    );
  }
  return [{ name, vm: undefined }];
}

/** `web` and count 3 are `web-1`, `web-2`, `web-3`; in `web.lab` the first part is counted. */
function numbered({ names, count }: Creating): readonly string[] {
  if (count === undefined) return names;
  const [pattern] = names;
  if (names.length !== 1 || pattern === undefined || isGlob(pattern)) {
    throw new UsherError(
      "invalid_input",
      "A count goes with exactly one name",
      {
        field: "count",
        hint: 'such as "usher vm start web -n 10", which makes web-1 to web-10',
      },
    );
  }
  const [vm = "", ...rest] = pattern.split(".");
  return Array.from(
    { length: count },
    (_, i) => [`${vm}-${i + 1}`, ...rest].join("."),
  );
}

/** A start that describes an existing VM differently is a mistake, not a change. */
function refuseOtherSpec(vm: Vm, spec: SpecInput): void {
  for (const [key, wanted] of Object.entries(spec)) {
    const has = (vm.spec as Record<string, unknown>)[key];
    if (wanted === undefined || agrees(has, wanted)) continue;
    throw new UsherError(
      "already_exists",
      `VM "${vm.name}" exists already, with another ${key}`,
      {
        field: `spec.${key}`,
        hint:
          `start it without options, or destroy it first ("usher vm destroy ${
            joinVmName(splitVmName(vm.name))
          }")`,
        subject: vm.name,
      },
    );
  }
}

function agrees(has: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null || Array.isArray(wanted)) {
    return JSON.stringify(has) === JSON.stringify(wanted);
  }
  return Object.entries(wanted).every(([key, value]) =>
    agrees((has as Record<string, unknown> | null)?.[key], value)
  );
}

function foreign(vm: Vm, verb: string): UsherError {
  return new UsherError(
    "unsupported",
    `Cannot ${verb} "${vm.name}": usher did not make this domain and leaves it alone`,
    {
      hint: `use the tools of its hypervisor on node ${vm.node}`,
      subject: vm.name,
    },
  );
}
