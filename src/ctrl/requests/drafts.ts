/**
 * Drafts: what a request means for one VM, before anything is decided.
 *
 * A draft is the operation as it would be written and the VM as its owner
 * wants it; whether it may begin, and where, others decide.
 *
 * @module
 */
import { plainText } from "../../plugin/failure.ts";
import { freedFromDead, freedToMove } from "../../core/binding.ts";
import { wished } from "../../core/wish.ts";
import { UsherError } from "../../error/mod.ts";
import type { Operation } from "../../schema/operation.ts";
import type { VmRequest } from "../../schema/request.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Caller } from "../auth/caller.ts";
import type { Globs } from "./globs.ts";
import { NameResolver } from "./names.ts";
import type { PluginCaller } from "../auth/caller.ts";
import type { Runner } from "../operations/runner.ts";
import { REGISTERED } from "../operations/undo.ts";
import type { Records } from "../records/records.ts";
import { refuseTooLarge, type SpecDefaults, specFor } from "./specs.ts";
import { type Target, targetsOf } from "./targets.ts";

/** An operation that a request asks for, and its VM as it should be. */
export interface Draft {
  readonly target: Target;
  readonly vm: Vm;
  readonly operation: Operation;
  /** The VM must be written: new, or its power intent changed. */
  readonly vmChanged: boolean;
  /** The lane was taken, so it begins at once. */
  readonly claimed: boolean;
}

/** What a request is a part of. */
export interface Whole {
  /** The node operation that asks. */
  readonly parent: string;
  /** Nodes that its VMs must not go to. */
  readonly avoid: readonly string[];
}

/** What all drafts of a request are made from. */
interface Drafting {
  /** The request's id, and the place of the target in it. */
  readonly request: string;
  readonly index: number;
  readonly body: VmRequest;
  readonly user: string;
  /** Now, ISO 8601. */
  readonly at: string;
  readonly newId: () => string;
  readonly defaults: () => SpecDefaults;
  readonly globs: Globs;
  /** Absent when a user asks. */
  readonly whole?: Whole | undefined;
  /** Absent unless a plugin asks. */
  readonly plugin?: PluginCaller | undefined;
  /** Whether an administrator has declared a node dead. */
  isDead(node: string | null): boolean;
  /** Whether what is known of a VM may be wrong. */
  isUncertain(uid: string): boolean;
}

/** What drafts are made on. */
export interface DraftParts {
  readonly records: Records;
  readonly runner: Pick<Runner, "isUncertain">;
  readonly defaults: () => SpecDefaults;
  readonly newId: () => string;
}

/** The drafts of a whole request, in its order. Throws what is wrong with it. */
export function draftsOf(
  body: VmRequest,
  caller: Caller,
  { records, newId, ...parts }: DraftParts,
  { id, at, whole }: {
    readonly id: string;
    readonly at: string;
    readonly whole?: Whole | undefined;
  },
): Draft[] {
  // Looked up once, and only by a request that makes VMs.
  let known: SpecDefaults | undefined;
  const defaults = () => known ??= parts.defaults();
  const isDead = (node: string | null) =>
    records.nodes.latest(node ?? "")?.state === "dead";
  const { user, plugin } = caller;
  const resolver = new NameResolver(records, caller);
  return targetsOf(body, resolver, caller).map((target, index) =>
    draftOf(target, {
      request: id,
      index,
      body,
      user,
      at,
      newId,
      defaults,
      globs: records.capacity.globs,
      whole,
      plugin,
      isDead,
      isUncertain: (uid) => parts.runner.isUncertain(uid),
    })
  );
}

/** The operation, and the VM as it should be, of one target. Throws what could never be. */
function draftOf(target: Target, drafting: Drafting): Draft {
  const { body } = drafting;
  const before = target.vm === undefined
    ? newVm(target.name, drafting)
    : freed(target.vm, drafting);
  const args = "vmArgs" in body
    ? { ...body.args, ...body.vmArgs[target.name] }
    : body.args;
  const vm = wished(before, { verb: body.verb, args });
  refuseTooLarge(vm);
  return {
    target,
    vm,
    operation: { ...operationFor(target, vm, drafting), args },
    vmChanged: vm !== target.vm,
    claimed: false,
  };
}

function operationFor(
  target: Target,
  vm: Vm,
  drafting: Drafting,
): Operation {
  const { request, index, body, user, at, newId, whole, plugin } = drafting;
  const { verb } = body;
  return {
    v: 1,
    id: newId(),
    request,
    index,
    verb,
    uid: vm.uid,
    vm: vm.name,
    user,
    state: "pending",
    step: null,
    begun: target.vm === undefined ? [REGISTERED] : [],
    node: vm.node,
    from: null,
    to: null,
    parent: whole?.parent ?? plugin?.operation ?? null,
    waitsFor: null,
    options: {
      queue: body.queue,
      ...("graceMs" in body ? { graceMs: body.graceMs } : {}),
      ...("on" in body && body.on !== undefined ? { on: body.on } : {}),
      ...migrateOptions(body),
      ...(whole === undefined || whole.avoid.length === 0
        ? {}
        : { avoid: [...whole.avoid] }),
    },
    args: body.args,
    changed: target.vm === undefined,
    problem: null,
    trail: [{ at, ...askedBy(drafting) }],
    createdAt: at,
    startedAt: null,
    endedAt: null,
    revision: 0,
  };
}

/** Who asked, and why, for people. */
function askedBy({ body: { verb }, user, whole, plugin }: Drafting) {
  const text = `asked for ${verb}`;
  if (whole !== undefined) return { source: `drain ${whole.parent}`, text };
  if (plugin === undefined) return { source: `user ${user}`, text };
  return {
    source: `plugin ${plugin.name}`,
    text: `${text} in event ${plugin.event}${
      plugin.operation === null ? "" : ` for operation ${plugin.operation}`
    }${plugin.why === undefined ? "" : `: ${plainText(plugin.why, 500)}`}`,
  };
}

/** Where a migration goes, and how. */
function migrateOptions(body: VmRequest): Partial<Operation["options"]> {
  if (body.verb !== "migrate") return {};
  const { to, maxDowntimeMs, bandwidth, autoConverge, postCopy } = body;
  return {
    ...(to === undefined ? {} : { to }),
    migrate: {
      autoConverge,
      postCopy,
      ...(maxDowntimeMs === undefined ? {} : { maxDowntimeMs }),
      ...(bandwidth === undefined ? {} : { bandwidth }),
    },
  };
}

function newVm(
  name: string,
  { body, at, newId, defaults, globs }: Drafting,
): Vm {
  const input = "spec" in body ? body.spec : {};
  const spec = specFor(input, defaults(), name);
  globs.refuseTooMany(name, spec.placement);
  return {
    v: 1,
    uid: newId(),
    name,
    generation: 1,
    spec,
    status: {
      state: "absent",
      reason: "",
      incarnation: null,
      since: at,
      observedGeneration: 0,
    },
    node: body.verb === "register" ? body.on ?? null : null,
    args: {},
    createdAt: at,
    revision: 0,
    found: false,
  };
}

function freed(vm: Vm, { body, isDead, isUncertain }: Drafting): Vm {
  if (body.verb === "register") {
    refuseOtherNode(vm, body.on);
    return vm;
  }
  const free = isDead(vm.node) ? freedFromDead(vm, body.verb) : vm;
  return freedToMove(free, "on" in body ? body.on : undefined, isUncertain);
}

/** A register that puts an existing VM elsewhere is a mistake, not a move. */
function refuseOtherNode(vm: Vm, on: string | undefined): void {
  if (on === undefined || on === vm.node) return;
  throw new UsherError(
    "already_exists",
    `VM "${vm.name}" exists already, ${
      vm.node === null ? "without a node" : `on node ${vm.node}`
    }`,
    {
      field: "on",
      hint: `start it there ("usher vm start --on ${on}"), or move it`,
      subject: vm.name,
    },
  );
}
