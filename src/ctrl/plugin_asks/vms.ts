/**
 * `vms.*` and `usage.vms`: VMs as their owners see them, as far as they are
 * granted.
 *
 * @module
 */
import { compileName, isGlob } from "../../core/selector.ts";
import type { AskParams } from "../../plugin/asks.ts";
import type { Vm, VmUsage } from "../../schema/vm.ts";
import type { NodeLinks } from "../nodes/node_links.ts";
import type { Runner } from "../operations/runner.ts";
import type { Records } from "../records/records.ts";
import type { Requests } from "../requests/requests.ts";
import { vmView } from "../views.ts";
import { type AnswersOf, type By, refuseTooMany } from "./ask.ts";
import { FirstByName } from "./first_by_name.ts";

/** What VMs are read from. */
export interface VmParts {
  readonly records: Records;
  readonly links: NodeLinks;
  readonly runner: Runner;
  readonly requests: Pick<Requests, "isAwaited">;
}

/** Answers what is asked about VMs. */
export function vmAnswers(
  { records, links, runner, requests }: VmParts,
): AnswersOf<"vms.list" | "vms.get" | "vms.isAwaited" | "usage.vms"> {
  return {
    "vms.list": (filter, by) => {
      const vms = chosen(records, filter, by);
      refuseTooMany(vms.length, "VMs", by);
      return vms.map((vm) => vmView(vm, { links, runner, records }));
    },
    "vms.get": ({ name }, { grant }) => {
      const vm = records.vms.get(records.names.uidOf(name) ?? "");
      return vm === undefined || !grant.reaches(vm.name)
        ? null
        : vmView(vm, { links, runner, records });
    },
    "vms.isAwaited": ({ request }) => requests.isAwaited(request),
    "usage.vms": (filter, by) => {
      const usageOf = (vm: Vm): VmUsage | undefined =>
        links.get(vm.node ?? "")?.vmUsage.get(vm.uid);
      const isUsed = (vm: Vm) => usageOf(vm) !== undefined;
      const used = chosen(records, filter, by, isUsed);
      refuseTooMany(used.length, "VMs", by);
      return Object.fromEntries(used.map((vm) => [vm.name, usageOf(vm)]));
    },
  };
}

/** The granted VMs that a filter lets through, by name; the first of them where it has a limit. */
function chosen(
  records: Records,
  { name, node, state, after = "", limit }: AskParams<"vms.list">,
  { grant, pace }: By,
  isWanted: (vm: Vm) => boolean = () => true,
): Vm[] {
  const vms = candidates(records, name);
  pace.looked(vms === null ? records.vms.size : vms.length);
  const matches = name === undefined ? null : compileName(name);
  const found = new FirstByName<Vm>(limit ?? Infinity);
  for (const vm of vms ?? records.vms.values()) {
    const isMeant = vm.name > after && found.hasRoomFor(vm.name) &&
      (node === undefined || vm.node === node) &&
      (state === undefined || vm.status.state === state) &&
      grant.reaches(vm.name) && (matches === null || matches(vm.name)) &&
      isWanted(vm);
    if (isMeant) found.add(vm);
  }
  return found.all();
}

/** The VMs that alone can have a name like this; null when that may be any. */
function candidates(
  { vms, names }: Records,
  name: string | undefined,
): Vm[] | null {
  if (name === undefined) return null;
  const [, , user = "*"] = name.split(".");
  if (isGlob(name) && isGlob(user)) return null;
  const uids = isGlob(name) ? names.ofUser(user) : names.named(name);
  return [...uids].flatMap((uid) => vms.get(uid) ?? []);
}
