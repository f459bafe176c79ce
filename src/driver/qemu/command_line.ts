/**
 * From a spec to QEMU's arguments. Pure, and the only place that writes
 * QEMU's option syntax.
 *
 * The arguments go to the program as an array, so no shell reads them; but
 * QEMU itself splits most options at commas, where a comma that belongs to a
 * value is doubled (QEMU documentation, "Introduction"). Disks are given as
 * JSON, which needs no such care and names driver and format outright, so
 * that a path is never taken for a protocol and a raw disk never probed for a
 * format that its guest has written into it. `-kernel`, `-initrd` and
 * `-append` take their value as it is.
 *
 * @module
 */
import type { DiskSpec, NicSpec, VmSpec } from "../../schema/vm.ts";
import { stableMac, uuidOfUid } from "../identity.ts";
import { fileNode } from "../overlays.ts";
import { memoryKiBOf } from "./guest_memory.ts";
import type { DomainFiles } from "./layout.ts";

/** All that the arguments are made of. */
export interface CommandLineInput {
  readonly uid: string;
  readonly name: string;
  readonly spec: VmSpec;
  /** See `DomainPlan`. */
  readonly isHeldElsewhere?: boolean | undefined;
  readonly accel: "kvm" | "tcg";
  /** What the guest has where it comes from; what its spec says unless given. */
  readonly memoryKiB?: number | null | undefined;
  /** The machine of a spec that names none. */
  readonly machine: string;
  readonly files: DomainFiles;
  /** The overlay of disk number `index`, for disks with a base. */
  overlay(index: number): string;
  /** Whether a path on the node is a block device. */
  isDevice(path: string): boolean;
  /** The guest comes from another node, and runs only once it is told to. */
  readonly incoming?: boolean;
}

/** What QEMU is to write to its log, so that an end can be explained later. */
const TRACED = ["qemu_system_shutdown_request", "runstate_set"];

/** The arguments that run a domain. */
export function commandLine(input: CommandLineInput): string[] {
  const { uid, name, spec, files } = input;
  const machine = spec.qemu.machine ?? input.machine;
  // microvm has no PCI bus; its virtio devices sit on virtio-mmio.
  const bus = machine.startsWith("microvm") ? "device" : "pci";
  return [
    ...["-name", `guest=${escapeValue(name)},debug-threads=on`],
    ...["-uuid", uuidOfUid(uid)],
    ...["-machine", escapeValue(machine)],
    ...["-accel", input.accel],
    ...cpuArguments(spec, input.accel),
    ...["-smp", `cpus=${spec.vcpus}`],
    ...["-m", `size=${input.memoryKiB ?? memoryKiBOf(spec, input.accel)}K`],
    // A guest that panicked is held until somebody has read that of QEMU.
    ...["-action", "panic=pause"],
    ...["-no-user-config", "-nodefaults", "-display", "none"],
    ...["-pidfile", files.pidFile],
    ...TRACED.flatMap((event) => ["-trace", `enable=${event}`]),
    ...files.monitors.flatMap(monitorArguments),
    ...serialArguments(files),
    ...spec.disks.flatMap((disk, index) =>
      diskArguments(disk, index, bus, input)
    ),
    ...spec.nics.flatMap((nic, index) => nicArguments(nic, index, bus, uid)),
    ...(bus === "pci" ? ["-device", "pvpanic-pci"] : []),
    ...bootArguments(spec),
    ...(input.incoming === true ? ["-S", "-incoming", "defer"] : []),
  ];
}

/** A value inside one of QEMU's comma-separated options. */
export function escapeValue(value: string): string {
  return value.replaceAll(",", ",,");
}

function cpuArguments({ qemu }: VmSpec, accel: "kvm" | "tcg"): string[] {
  const model = qemu.cpu ?? (accel === "kvm" ? "host" : undefined);
  return model === undefined ? [] : ["-cpu", escapeValue(model)];
}

function monitorArguments(path: string, index: number): string[] {
  return [
    ...[
      "-chardev",
      `socket,id=qmp${index},path=${escapeValue(path)},server=on,wait=off`,
    ],
    ...["-mon", `chardev=qmp${index},mode=control`],
  ];
}

function serialArguments({ serial, consoleLog }: DomainFiles): string[] {
  const socket = `path=${escapeValue(serial)},server=on,wait=off`;
  const log = `logfile=${escapeValue(consoleLog)},logappend=on`;
  return [
    "-chardev",
    `socket,id=serial0,${socket},${log}`,
    "-serial",
    "chardev:serial0",
  ];
}

function diskArguments(
  disk: DiskSpec,
  index: number,
  bus: string,
  input: CommandLineInput,
): string[] {
  return [
    ...["-blockdev", JSON.stringify(diskNode(disk, index, input))],
    ...[
      "-device",
      `virtio-blk-${bus},drive=disk${index},id=vd${index},bootindex=${
        index + 1
      }`,
    ],
  ];
}

/** Disk number `index` as QEMU opens it, under the name `diskN`. */
export function diskNode(
  disk: DiskSpec,
  index: number,
  { overlay, isDevice, isHeldElsewhere }: Pick<
    CommandLineInput,
    "overlay" | "isDevice" | "isHeldElsewhere"
  >,
): Record<string, unknown> {
  const path = disk.path ?? overlay(index);
  return {
    driver: disk.path === undefined ? "qcow2" : disk.format,
    "node-name": `disk${index}`,
    "read-only": disk.readonly,
    discard: "unmap",
    file: {
      ...fileNode(path, isDevice(path)),
      "read-only": disk.readonly,
      // A copy that is paused keeps its locks; here it is known to stay so.
      ...(isHeldElsewhere === true && disk.shared ? { locking: "off" } : {}),
    },
  };
}

/** The files of the disks in arguments that `commandLine` made; of an overlay its own file. */
export function diskFiles(args: readonly string[]): string[] {
  return args.flatMap((arg, at) => {
    if (args[at - 1] !== "-blockdev") return [];
    try {
      const { file } = JSON.parse(arg);
      return typeof file.filename === "string" ? [file.filename] : [];
    } catch {
      return [];
    }
  });
}

function nicArguments(
  nic: NicSpec,
  index: number,
  bus: string,
  uid: string,
): string[] {
  const mac = nic.mac ?? stableMac(uid, index);
  // No boot ROM: usher boots from disks and kernels, and the ROM costs time.
  const rom = bus === "pci" ? ",romfile=" : "";
  return [
    ...["-netdev", `${netdevKind(nic)},id=net${index}${netdevOptions(nic)}`],
    ...[
      "-device",
      `virtio-net-${bus},netdev=net${index},id=nic${index},mac=${mac}${rom}`,
    ],
  ];
}

function netdevKind({ kind }: NicSpec): string {
  return kind;
}

function netdevOptions(nic: NicSpec): string {
  switch (nic.kind) {
    case "user":
      return nic.forwards
        .map(({ protocol, address, nodePort, guestPort }) =>
          `,hostfwd=${protocol}:${address}:${nodePort}-:${guestPort}`
        )
        .join("");
    case "bridge":
      return `,br=${escapeValue(nic.bridge)}`;
    case "tap":
      return `,ifname=${escapeValue(nic.tap)},script=no,downscript=no`;
  }
}

function bootArguments({ boot }: VmSpec): string[] {
  if (boot === null) return [];
  return [
    ...["-kernel", boot.kernel],
    ...(boot.initrd === undefined ? [] : ["-initrd", boot.initrd]),
    ...["-append", boot.cmdline],
  ];
}
