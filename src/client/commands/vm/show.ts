/**
 * `usher vm show`.
 *
 * @module
 */
import type { VmView } from "../../../schema/change.ts";
import type { DiskSpec, NicSpec } from "../../../schema/vm.ts";
import { defineCommand, VM_NAMES } from "../../command.ts";
import { type Fact, renderFacts } from "../../render/describe.ts";
import { age, memory } from "../../render/format.ts";
import { FORMAT_FLAG, printShown } from "../../render/output.ts";
import { usageFacts } from "../../render/usage_facts.ts";

export const show = defineCommand({
  about: "Show all there is to know about VMs.",
  words: VM_NAMES,
  flags: FORMAT_FLAG,
  examples: [
    ["usher vm show web1", "for people"],
    ["usher vm show web1 -o yaml", "the whole record"],
  ],
  async run(context, { words, flags }) {
    const api = await context.api();
    const vms = await Promise.all(
      words.map((word) =>
        GLOB.test(word)
          ? api.call("vms", { query: { names: word } }).then(({ vms }) => vms)
          : api.call("vm", { params: { name: word } }).then((vm) => [vm])
      ),
    );
    await printShown(context, vms.flat(), flags.output, {
      single: words.length === 1 && !GLOB.test(words[0] ?? ""),
      name: ({ name }) => name,
      describe: (vm) => describeVm(vm, context.io.now()),
    });
    return 0;
  },
});

const GLOB = /[*?[]/;

/** A VM for people. */
export function describeVm(vm: VmView, now: number): string {
  const { spec, status, usage } = vm;
  const reason = status.reason === "" ? "" : ` (${status.reason})`;
  const facts: Fact[] = [
    ["name", vm.name],
    ["in DNS", vm.dns ?? null],
    ["id", vm.uid],
    ["state", `${status.state}${reason}, for ${age(status.since, now)}`],
    ["node", vm.node],
    ["held by", vm.holder],
    [
      "wanted",
      // Of one that usher did not make, and leaves alone, nothing is.
      vm.found
        ? null
        : `power ${spec.power}, generation ${vm.generation} (node has ${status.observedGeneration})`,
    ],
    [
      "node loss",
      spec.onNodeLoss === "wait" && vm.restarts === undefined
        ? null
        : describeLoss(vm, now),
    ],
    ["driver", spec.driver],
    ["vcpus", spec.vcpus],
    ["memory", memory(spec.memoryMiB)],
    ["kernel", spec.boot?.kernel ?? null],
    ["initrd", spec.boot?.initrd ?? null],
    ["cmdline", spec.boot?.cmdline ?? null],
    ...spec.disks.map((disk, i): Fact => [`disk ${i}`, describeDisk(disk)]),
    ...spec.nics.map((nic, i): Fact => [`nic ${i}`, describeNic(nic)]),
    ...Object.entries(vm.args).map((
      [key, value],
    ): Fact => [`arg ${key}`, value]),
    [
      "made",
      `${age(vm.createdAt, now)} ago${vm.found ? ", found on its node" : ""}`,
    ],
    ...usageFacts(usage),
  ];
  return renderFacts(facts);
}

/** What becomes of it when its node is lost, and how often that was so. */
function describeLoss({ spec, status, restarts }: VmView, now: number): string {
  const guard = status.guard === undefined
    ? "not guarded now"
    : `guarded on ${status.guard.node}`;
  const does = spec.onNodeLoss === "restart"
    ? `starts elsewhere (${guard})`
    : "waits";
  if (restarts === undefined || restarts.at === null) return does;
  const due = restarts.due ? "; one is due" : "";
  return `${does}; ${restarts.count} start(s) in a row after losses, the last ${
    age(restarts.at, now)
  } ago${due}`;
}

function describeDisk(disk: DiskSpec): string {
  const what = disk.path ?? `overlay on ${disk.base}`;
  const marks = [
    disk.format,
    disk.readonly && "read-only",
    disk.shared && "shared",
  ];
  return `${what} (${marks.filter(Boolean).join(", ")})`;
}

function describeNic(nic: NicSpec): string {
  const mac = nic.mac === undefined ? "" : ` ${nic.mac}`;
  if (nic.kind === "bridge") return `bridge ${nic.bridge}${mac}`;
  if (nic.kind === "tap") return `tap ${nic.tap}${mac}`;
  const forwards = nic.forwards.map((forward) =>
    ` ${forward.protocol}:${forward.address}:${forward.nodePort}:${forward.guestPort}`
  );
  return `user${mac}${forwards.join("")}`;
}
