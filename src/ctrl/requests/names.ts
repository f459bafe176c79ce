/**
 * Names of VMs in requests, resolved for a caller.
 *
 * A user's short names, and patterns of less than three parts that something is
 * to be done with, mean the user's own VMs, so that a share given to somebody
 * never changes what their old scripts do; a shared VM is named in full. Short
 * names of those who may see all may mean anybody's, when only one fits. What
 * matches no name may be a prefix of one uid.
 *
 * @module
 */
import { isGlob, matchesName } from "../../core/selector.ts";
import { UsherError } from "../../error/mod.ts";
import {
  DEFAULT_CLUSTER,
  joinVmName,
  labelProblem,
  splitVmName,
} from "../../schema/name.ts";
import { nearest } from "../../schema/nearest.ts";
import type { Vm } from "../../schema/vm.ts";
import { Access } from "../auth/access.ts";
import type { Caller } from "../auth/caller.ts";
import type { Records } from "../records/records.ts";

/** The full name that a caller means by a literal one. Throws `invalid_input`. */
export function fullName(text: string, caller: Caller): string {
  const parts = text.split(".");
  if (parts.length > 3) {
    throw new UsherError(
      "invalid_input",
      `"${text}" is no VM name: it has more than three parts`,
      {
        hint: "a VM's name is vm, vm.cluster or vm.cluster.user",
      },
    );
  }
  for (const part of parts) {
    const problem = labelProblem(part);
    if (problem !== null) {
      throw new UsherError(
        "invalid_input",
        `"${text}" is no VM name: ${problem}`,
        { subject: text },
      );
    }
  }
  const [vm = "", cluster = DEFAULT_CLUSTER, user = caller.user] = parts;
  if (caller.plugin !== undefined && parts.length < 3) {
    throw new UsherError(
      "invalid_input",
      `"${text}" is no full name, and plugin "${caller.plugin.name}" owns no VMs`,
      { hint: "write vm.cluster.user", subject: text },
    );
  }
  return joinVmName({ vm, cluster, user });
}

/** The parts of a whole name. */
const WHOLE = 3;

/** Whether a pattern, of a whole name or of less, means a VM that it matches. */
type ByPattern = (vm: Vm, isWhole: boolean) => boolean;

/** Resolves the names of one request, for one caller. */
export class NameResolver {
  readonly #records: Records;
  readonly #caller: Caller;
  /** What the caller may see and change. */
  readonly access: Access;

  constructor(records: Records, caller: Caller) {
    this.#records = records;
    this.#caller = caller;
    this.access = new Access(caller, records);
  }

  /** Every VM that `texts` mean, each once, in the order asked. Throws `not_found`. */
  all(texts: readonly string[]): Vm[] {
    return this.#all(texts, () => true);
  }

  /**
   * Those that can be acted on: a pattern passes over domains that usher did
   * not make, which were found on a node, and over what the caller may only
   * look at. Throws `not_found`, and `permission_denied` for such a one by name.
   */
  ours(texts: readonly string[]): Vm[] {
    const access = this.access;
    const all = this.#all(
      texts,
      ({ found, name }, isWhole) =>
        !found && access.mayControl(name) &&
        (isWhole || access.mayMeanShortly(name)),
    );
    for (const { name } of all) access.requireControl(name);
    return all;
  }

  #all(texts: readonly string[], byPattern: ByPattern): Vm[] {
    const all = new Map<string, Vm>();
    for (const text of texts) {
      for (const vm of this.#matches(text, byPattern)) all.set(vm.uid, vm);
    }
    return [...all.values()];
  }

  /** The one VM that `text` means. Throws `not_found` and `invalid_input`. */
  one(text: string): Vm {
    const [vm, ...more] = this.#matches(text);
    if (vm === undefined) throw this.#notFound(text);
    if (more.length > 0) throw ambiguous(text, [vm, ...more]);
    return vm;
  }

  /** The VM that a literal name means, or undefined. */
  find(text: string): Vm | undefined {
    const exact = this.#exact(text);
    if (exact !== undefined) return exact;
    const short = this.#seen(this.#records.names.named(text)).filter((vm) =>
      this.access.mayMeanShortly(vm.name)
    );
    if (short.length > 1) throw ambiguous(text, short);
    return short[0] ?? this.#byPrefix(text);
  }

  #matches(text: string, byPattern: ByPattern = () => true): Vm[] {
    if (!isGlob(text)) {
      const vm = this.find(text);
      if (vm === undefined) throw this.#notFound(text);
      return [vm];
    }
    const isWhole = text.split(".").length === WHOLE;
    const found = this.#among(text).filter((vm) =>
      matchesName(vm.name, text) && this.access.maySee(vm.name) &&
      byPattern(vm, isWhole)
    );
    if (found.length === 0) {
      throw new UsherError("not_found", `No VM matches "${text}"`, {
        hint: 'see what there is with "usher vm list"',
        subject: text,
      });
    }
    return found;
  }

  #exact(text: string): Vm | undefined {
    const parts = text.split(".");
    if (parts.length > 3 || parts.some((part) => part === "")) return undefined;
    const [vm = "", cluster = DEFAULT_CLUSTER, user = this.#caller.user] =
      parts;
    const found = this.#records.byName(joinVmName({ vm, cluster, user }));
    return found !== undefined && this.access.maySee(found.name)
      ? found
      : undefined;
  }

  #byPrefix(text: string): Vm | undefined {
    const begin = this.#seen(this.#records.names.beginning(text));
    if (begin.length > 1) throw ambiguous(text, begin);
    return begin[0];
  }

  /** Those of these uids that the caller may see. */
  #seen(uids: readonly string[]): Vm[] {
    return uids.map((uid) => this.#records.vms.latest(uid)).filter((vm) =>
      vm !== undefined && this.access.maySee(vm.name)
    ) as Vm[];
  }

  /** The VMs that a pattern could match: of one cluster when it names that. */
  #among(text: string): Vm[] {
    const { vms, capacity } = this.#records;
    const [, cluster = "*", user = "*"] = text.split(".");
    const name = `${cluster}.${user}`;
    if (isGlob(name)) return [...vms.latestValues()];
    return [...capacity.holdings.members(name)].flatMap((uid) =>
      vms.latest(uid) ?? []
    );
  }

  #visible(): Vm[] {
    return [...this.#records.vms.latestValues()].filter((vm) =>
      this.access.maySee(vm.name)
    );
  }

  #notFound(text: string): UsherError {
    const names = this.#visible().map((vm) => shortName(vm.name, this.#caller));
    const near = nearest(text, names);
    return new UsherError("not_found", `There is no VM "${text}"`, {
      hint: near === null
        ? 'see what there is with "usher vm list"'
        : `did you mean "${near}"?`,
      subject: text,
    });
  }
}

/** How `caller` would write a full name shortest. */
export function shortName(name: string, caller: Caller): string {
  const { vm, cluster, user } = splitVmName(name);
  if (user !== caller.user) return name;
  return cluster === DEFAULT_CLUSTER ? vm : `${vm}.${cluster}`;
}

function ambiguous(text: string, vms: readonly Vm[]): UsherError {
  const some = vms.slice(0, 5).map((vm) => vm.name).join(", ");
  return new UsherError(
    "invalid_input",
    `"${text}" could be ${vms.length} VMs: ${some}${
      vms.length > 5 ? ", …" : ""
    }`,
    {
      hint: "write more of the name",
      subject: text,
    },
  );
}
