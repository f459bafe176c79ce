/**
 * From a spec to the configuration file that `xl create` reads. Pure, and the
 * only place that writes xl's syntax.
 *
 * Nothing of a user stands in it but inside quoted strings. A disk is a string
 * with a syntax of its own, in which `target=` takes all that follows it, commas
 * included: so it comes last.
 *
 * A domain that has shut down is kept (`preserve`) until the driver has seen
 * why; a reboot is xl's own to do, since it must not wait for usher.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { DiskSpec, NicSpec, VmSpec } from "../../schema/vm.ts";
import { stableMac, uuidOfUid } from "../identity.ts";

/** What a configuration is written from. */
export interface ConfigInput {
  readonly uid: string;
  readonly name: string;
  readonly spec: VmSpec;
}

/** How the guest is virtualised. */
export function guestType({ xen }: VmSpec): "pv" | "pvh" | "hvm" {
  return xen.type ?? "pvh";
}

type Value = string | number | readonly string[];

/** The whole file. */
export function domainConfig(input: ConfigInput): string {
  return entries(input)
    .map(([key, value]) => `${key} = ${valueText(value)}\n`)
    .join("");
}

function entries({ uid, name, spec }: ConfigInput): [string, Value][] {
  const { memoryMiB, vcpus, disks, nics } = spec;
  return [
    ["name", name],
    ["uuid", uuidOfUid(uid)],
    ["type", guestType(spec)],
    ["memory", memoryMiB],
    ["maxmem", memoryMiB],
    ["vcpus", vcpus],
    ["on_poweroff", "preserve"],
    ["on_reboot", "restart"],
    ["on_crash", "preserve"],
    ["on_watchdog", "preserve"],
    ...processorEntries(spec),
    ...bootEntries(spec),
    [
      "disk",
      disks.map((disk, index) => diskText(disk, index, guestType(spec))),
    ],
    ["vif", nics.map((nic, index) => nicText(nic, index, uid))],
  ];
}

function processorEntries({ xen }: VmSpec): [string, Value][] {
  return [
    ...(xen.cpus === undefined ? [] : [["cpus", xen.cpus]] as const),
    ...(xen.cpuWeight === undefined
      ? []
      : [["cpu_weight", xen.cpuWeight]] as const),
    ...(xen.cpuCap === undefined ? [] : [["cap", xen.cpuCap]] as const),
  ].map(([key, value]) => [key, value]);
}

function bootEntries(spec: VmSpec): [string, Value][] {
  const { boot, xen } = spec;
  const kernel: [string, Value][] = boot === null ? [] : [
    ["kernel", boot.kernel],
    ...(boot.initrd === undefined
      ? []
      : [["ramdisk", boot.initrd] as [string, Value]]),
    ["cmdline", boot.cmdline],
  ];
  if (guestType(spec) === "hvm") {
    return [
      ...kernel,
      ["firmware", xen.firmware ?? "bios"],
      ["boot", "c"],
      ["serial", "pty"],
      ["vnc", 0],
      ["sdl", 0],
      ["nographic", 1],
    ];
  }
  return xen.bootloader === undefined
    ? kernel
    : [...kernel, ["bootloader", xen.bootloader]];
}

function diskText(disk: DiskSpec, index: number, type: string): string {
  const access = disk.readonly ? "ro" : "rw";
  const device = deviceName(index, type);
  return `format=${disk.format},vdev=${device},access=${access},target=${
    disk.path ?? ""
  }`;
}

/** What the guest has its disk number `index` as; the firmware of an hvm guest boots from the first four alone. */
function deviceName(index: number, type: string): string {
  const letter = String.fromCharCode("a".charCodeAt(0) + index % 26);
  const name = index < 26 ? letter : `a${letter}`;
  return type === "hvm" && index < 4 ? `hd${name}` : `xvd${name}`;
}

function nicText(nic: NicSpec, index: number, uid: string): string {
  const bridge = nic.kind === "bridge" ? `,bridge=${nic.bridge}` : "";
  return `mac=${nic.mac ?? stableMac(uid, index)}${bridge}`;
}

function valueText(value: Value): string {
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return quoted(value);
  return `[${value.map(quoted).join(", ")}]`;
}

/**
 * A string of xl's. Its escapes by number are broken in xl itself, so nothing
 * but quote and backslash is escaped, and what stands for itself in no string
 * is refused.
 */
function quoted(text: string): string {
  // deno-lint-ignore no-control-regex -- a line feed would begin a setting
  if (/[\x00-\x1f\x7f]/.test(text)) {
    throw new UsherError(
      "invalid_input",
      `Cannot tell xl of ${JSON.stringify(text)}: it has control characters`,
    );
  }
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
