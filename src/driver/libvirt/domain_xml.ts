/**
 * From a spec to libvirt's XML of a domain. Pure, and the only place that
 * knows how that is written.
 *
 * A domain carries a mark of usher's in its metadata: whose it is and which run.
 * libvirt keeps that as long as the domain, so one whose handle was lost is
 * known by it all the same.
 *
 * @module
 */
import { z } from "zod";
import type { DiskSpec, NicSpec, VmSpec } from "../../schema/vm.ts";
import { stableMac, uuidOfUid } from "../identity.ts";
import type { DomainFiles } from "./layout.ts";
import { el, type Node, writeXml } from "./xml.ts";

/** The namespace of usher's mark. Never changes: it is how domains are known again. */
export const NAMESPACE = "urn:usher:libvirt:domain";

/** What a domain says about itself. */
export const Mark = z.object({
  uid: z.string(),
  name: z.string(),
  generation: z.coerce.number(),
  incarnation: z.string(),
  /** See `Layout.home`. */
  home: z.string(),
});
export type Mark = z.infer<typeof Mark>;

/** All that a domain is made of. */
export interface DomainXmlInput {
  readonly mark: Mark;
  /** What libvirt is to call it; mostly the VM's name. */
  readonly name: string;
  readonly spec: VmSpec;
  readonly accel: "kvm" | "tcg";
  /** The machine of a spec that names none. */
  readonly machine: string;
  readonly files: DomainFiles;
  /** The overlay of disk number `index`, for disks with a base. */
  overlay(index: number): string;
  /** Whether a path on the node is a block device. */
  isDevice(path: string): boolean;
}

/** The definition of a domain. */
export function domainXml(input: DomainXmlInput): string {
  const { mark, name, spec, accel, files } = input;
  const root = el(
    "domain",
    { type: accel === "kvm" ? "kvm" : "qemu" },
    el("name", {}, name),
    el("uuid", {}, uuidOfUid(mark.uid)),
    el("metadata", {}, el("usher:domain", { ...mark })),
    el("memory", { unit: "MiB" }, String(spec.memoryMiB)),
    el("vcpu", {}, String(spec.vcpus)),
    bootElement(spec, spec.libvirt.machine ?? input.machine),
    el("features", {}, el("acpi"), el("apic")),
    cpuElement(spec, accel),
    // A guest that ends is told of, and started again by nobody but usher.
    el("on_poweroff", {}, "destroy"),
    el("on_reboot", {}, "restart"),
    el("on_crash", {}, "destroy"),
    el(
      "devices",
      {},
      ...spec.disks.map((disk, index) => diskElement(disk, index, input)),
      ...spec.nics.map((nic, index) => nicElement(nic, index, mark.uid)),
      el(
        "serial",
        { type: "pty" },
        el("log", { file: files.consoleLog, append: "on" }),
        el("target", { port: 0 }),
      ),
      // libvirt adds one of each by itself where none is ruled out.
      el("controller", { type: "usb", model: "none" }),
      el("memballoon", { model: "none" }),
      el("panic", { model: "isa" }),
    ),
  );
  return writeXml(root, { usher: NAMESPACE });
}

function bootElement({ boot, libvirt }: VmSpec, machine: string): Node {
  const initrd = boot?.initrd;
  return el(
    "os",
    libvirt.firmware === "uefi" ? { firmware: "efi" } : {},
    el("type", { machine }, "hvm"),
    ...(boot === null ? [el("boot", { dev: "hd" })] : [
      el("kernel", {}, boot.kernel),
      initrd === undefined ? null : el("initrd", {}, initrd),
      el("cmdline", {}, boot.cmdline),
    ]),
  );
}

function cpuElement({ libvirt }: VmSpec, accel: "kvm" | "tcg"): Node | null {
  const { cpu } = libvirt;
  if (cpu === "host") return el("cpu", { mode: "host-passthrough" });
  if (cpu === "max") return el("cpu", { mode: "maximum" });
  if (cpu !== undefined) {
    const model = el("model", { fallback: "forbid" }, cpu);
    return el("cpu", { mode: "custom", match: "exact" }, model);
  }
  return accel === "kvm" ? el("cpu", { mode: "host-model" }) : null;
}

function diskElement(
  disk: DiskSpec,
  index: number,
  { overlay, isDevice }: DomainXmlInput,
): Node {
  const path = disk.path ?? overlay(index);
  const isBlock = isDevice(path);
  const type = disk.path === undefined ? "qcow2" : disk.format;
  return el(
    "disk",
    { type: isBlock ? "block" : "file", device: "disk" },
    el("driver", { name: "qemu", type, discard: "unmap" }),
    el("source", isBlock ? { dev: path } : { file: path }),
    el("target", { dev: diskTarget(index), bus: "virtio" }),
    disk.readonly ? el("readonly") : null,
  );
}

/** What libvirt calls disk number `index`: vda to vdz, then vdaa. */
export function diskTarget(index: number): string {
  const letters = 26;
  const last = String.fromCharCode("a".charCodeAt(0) + index % letters);
  return index < letters
    ? `vd${last}`
    : `${diskTarget(Math.floor(index / letters) - 1)}${last}`;
}

function nicElement(nic: NicSpec, index: number, uid: string): Node {
  return el(
    "interface",
    { type: NIC_TYPES[nic.kind] },
    nic.kind === "bridge" ? el("source", { bridge: nic.bridge }) : null,
    nic.kind === "tap" ? el("target", { dev: nic.tap, managed: "no" }) : null,
    el("mac", { address: nic.mac ?? stableMac(uid, index) }),
    el("model", { type: "virtio" }),
    // No boot ROM: usher boots from disks and kernels, and the ROM costs time.
    el("rom", { enabled: "no" }),
  );
}

const NIC_TYPES = { user: "user", bridge: "bridge", tap: "ethernet" } as const;
