/**
 * `vms.*` and `usage.vms`: VMs as their owners see them, as far as they are
 * granted.
 *
 * @module
 */
import { compileName } from "../../core/selector.ts";
import type { AskParams } from "../../plugin/asks.ts";
import type { Vm, VmUsage } from "../../schema/vm.ts";
import type { NodeLinks } from "../nodes/node_links.ts";
import type { Runner } from "../operations/runner.ts";
import type { Records } from "../records/records.ts";
import { vmView } from "../views.ts";
import { type AnswersOf, type By, refuseTooMany } from "./ask.ts";

/** What VMs are read from. */
export interface VmParts {
  readonly records: Records;
  readonly links: NodeLinks;
  readonly runner: Runner;
}

/** Answers what is asked about VMs. */
export function vmAnswers(
  { records, links, runner }: VmParts,
): AnswersOf<"vms.list" | "vms.get" | "usage.vms"> {
  return {
    "vms.list": (filter, by) => {
      const vms = chosen(records, filter, by);
      refuseTooMany(vms.length, "VMs", by);
      return vms.map((vm) => vmView(vm, links, runner));
    },
    "vms.get": ({ name }, { grant }) => {
      const vm = records.vms.get(records.names.uidOf(name) ?? "");
      return vm === undefined || !grant.reaches(vm.name)
        ? null
        : vmView(vm, links, runner);
    },
    "usage.vms": (filter, by) => {
      const used: [string, VmUsage][] = [];
      for (const vm of chosen(records, filter, by)) {
        const usage = links.get(vm.node ?? "")?.vmUsage.get(vm.uid);
        if (usage !== undefined) used.push([vm.name, usage]);
      }
      refuseTooMany(used.length, "VMs", by);
      return Object.fromEntries(used);
    },
  };
}

/** The granted VMs that a filter lets through, by name. */
function chosen(
  records: Records,
  { name, node, state }: AskParams<"vms.list">,
  { grant, pace }: By,
): Vm[] {
  pace.looked(records.vms.size);
  const matches = name === undefined ? null : compileName(name);
  const vms = [...records.vms.values()].filter((vm) =>
    (node === undefined || vm.node === node) &&
    (state === undefined || vm.status.state === state) &&
    grant.reaches(vm.name) && (matches === null || matches(vm.name))
  );
  return vms.sort((a, b) => a.name < b.name ? -1 : 1);
}
