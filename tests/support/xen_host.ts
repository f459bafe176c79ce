/**
 * One machine of the Xen lab: the real hypervisor and a Debian dom0 inside
 * QEMU, as `scripts/xen_lab/build.sh` builds them. Root runs scripts in the
 * dom0 through doors; nothing of it is left when it is disposed of.
 *
 * Everything in there is emulated: what takes a millisecond on a machine takes
 * ten and more, and the guests of the guest share this machine's processors.
 *
 * @module
 */
import { type Ended, GuestDoor } from "./guest_door.ts";
import { QEMU, whyNoQemu } from "./qemu_node.ts";
import { REPOSITORY } from "./repository.ts";
import { until } from "./wait.ts";

/** Where the lab is built. */
export const XEN_LAB = `${REPOSITORY}.cache/xen_lab`;

/** However slow the machine. */
export const XEN_MS = 600_000;

/** The least guest, which idles for nothing and is up at once: `scripts/xen_lab/boot_guest.S`. */
export const BOOT_GUEST = "/srv/guest/boot_guest";

/** A whole Linux, as a dom0 has it. */
export const XEN_GUEST = {
  kernel: "/srv/guest/vmlinux",
  initrd: "/srv/guest/initrd",
  cmdline: "console=hvc0 quiet",
} as const;

/** Where a host reaches this machine's loopback. */
export const OUTSIDE = "10.0.2.2";

/** As many as dom0_inittab opens. */
const DOORS = 4;

/**
 * What QEMU's emulation cannot do as Xen asks for it: a dom0 dies of SMAP at
 * once, PVH guests are destroyed at RDTSCP, and with XSAVE registers are lost
 * when a guest is restored.
 */
const CPU = "max,-smap,-rdtscp,-xsave";

/**
 * One, whatever this machine has: two that are emulated wait for each other, and
 * where both cannot run at the same time, that is most of what they do. A host
 * with one is three times as quick on a machine with two of its own.
 */
const PROCESSORS = "1";

/** Nobody attacks what is emulated; each of these costs it dearly. */
const HYPERVISOR =
  "loglvl=warning xpti=off spec-ctrl=no pv-l1tf=off iommu=off ucode=no";
const KERNEL = "quiet mitigations=off";

/** Why there is no lab on this machine; undefined when there is. Builds it, which takes a minute. */
export function whyNoXenLab(): string | undefined {
  const missing = whyNoQemu();
  if (missing !== undefined) return missing;
  const script = `${REPOSITORY}scripts/xen_lab/build.sh`;
  const isRoot = Deno.uid() === 0;
  const built = new Deno.Command(isRoot ? script : "sudo", {
    args: isRoot ? [] : ["-n", script],
    stdout: "null",
    stderr: "piped",
  }).outputSync();
  return built.success
    ? undefined
    : new TextDecoder().decode(built.stderr).trim();
}

/** What the lab is made of: packages and their versions. */
export async function labVersions(): Promise<ReadonlyMap<string, string>> {
  const text = await Deno.readTextFile(`${XEN_LAB}/versions`);
  return new Map(
    text.trim().split("\n").map((line) => {
      const [name = "", version = ""] = line.split("\t");
      return [name, version];
    }),
  );
}

/** What a host is booted with. */
export interface XenHostOptions {
  /** Its number: `xenN` by name, 10.78.0.N on the private network. */
  readonly number?: number;
  /** A folder for sockets and logs, which is there and stays; a new one, which goes, when absent. */
  readonly folder?: string;
  /**
   * The socket of the private network between two hosts, and whether this one
   * makes it; alone when absent.
   */
  readonly network?: { readonly path: string; readonly isFirst: boolean };
  /** Files of this machine, by the path that they have in there; of mode 0755. */
  readonly files?: Readonly<Record<string, string>>;
  /** Memory in all, and of that for the dom0. */
  readonly memoryMiB?: number;
  readonly dom0MiB?: number;
}

/** A running host. */
export class XenHost implements AsyncDisposable {
  readonly name: string;
  /** Its address on the private network. */
  readonly address: string;
  readonly folder: string;
  readonly #options: XenHostOptions;
  #child: Deno.ChildProcess;
  #doors: GuestDoor[] = [];
  #next = 0;

  private constructor(
    options: XenHostOptions,
    folder: string,
    child: Deno.ChildProcess,
  ) {
    const { number = 1 } = options;
    this.name = `xen${number}`;
    this.address = `10.78.0.${number}`;
    this.#options = options;
    this.folder = folder;
    this.#child = child;
  }

  /** Boots one; resolves once its toolstack answers and its files are there. */
  static async boot(options: XenHostOptions = {}): Promise<XenHost> {
    const folder = options.folder ??
      await Deno.makeTempDir({ prefix: "usher_xen_" });
    await makeOverlay(folder);
    const host = new XenHost(options, folder, turnOn(options, folder));
    try {
      await host.#enter();
      const drives = Object.entries(options.files ?? {});
      for (const [at, [path, file]] of drives.entries()) {
        const { size } = await Deno.stat(file);
        const drive = `/dev/vd${String.fromCharCode(98 + at)}`;
        await host.must(
          `head -c ${size} ${drive} >${path} && chmod 755 ${path}`,
        );
      }
      return host;
    } catch (error) {
      await host[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The pid of its QEMU. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Opens the doors, and waits for the toolstack. */
  async #enter(): Promise<void> {
    for (let at = 0; at < DOORS; at++) {
      this.#doors.push(
        await GuestDoor.open({
          path: `${this.folder}/door${at}`,
          deadlineMs: XEN_MS,
          trouble: () => this.serial(),
        }),
      );
    }
    await this.prints(/^xen_version/m, "xl info");
  }

  /** The last lines of hypervisor and dom0. */
  async serial(): Promise<string> {
    const text = await Deno.readTextFile(`${this.folder}/serial`)
      .catch(() => "nothing");
    return text.slice(-4000);
  }

  /** Runs a script of bash in the dom0 to its end; several at the same time. */
  run(script: string, deadlineMs?: number): Promise<Ended> {
    return this.#door().run(script, deadlineMs);
  }

  /** Runs a script that must succeed; what it printed. */
  must(script: string): Promise<string> {
    return this.#door().must(script);
  }

  /** Waits until a script prints something like this; all that it printed then. */
  prints(pattern: RegExp, script: string, everyMs = 300): Promise<string> {
    return this.#door().prints(pattern, script, everyMs);
  }

  #door(): GuestDoor {
    const door = this.#doors[this.#next++ % this.#doors.length];
    if (door === undefined) throw new Error(`${this.name} is not up`);
    return door;
  }

  /**
   * Cuts the machine's power and turns it on again, and with it all that Xen
   * ran; resolves when it is up. It is no reset from inside, after which Xen
   * hangs in QEMU's emulation now and then.
   */
  async cutPower(): Promise<void> {
    const before = await this.must("cat /proc/sys/kernel/random/boot_id");
    await this.must("sync");
    await this.#turnOff();
    this.#child = turnOn(this.#options, this.folder);
    await this.#enter();
    const after = await this.must("cat /proc/sys/kernel/random/boot_id");
    if (before === after) throw new Error(`${this.name} did not restart`);
  }

  async #turnOff(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#child.status;
    await this.#closeDoors();
    for (let at = 0; at < DOORS; at++) {
      await Deno.remove(`${this.folder}/door${at}`).catch(() => {});
    }
  }

  async #closeDoors(): Promise<void> {
    const doors = this.#doors;
    this.#doors = [];
    for (const door of doors) await door[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turnOff();
    if (this.#options.folder === undefined) {
      await Deno.remove(this.folder, { recursive: true });
    } else {
      await Deno.remove(`${this.folder}/disk.qcow2`);
    }
  }
}

/** It ends with this process, whatever ends that. */
function turnOn(options: XenHostOptions, folder: string): Deno.ChildProcess {
  return new Deno.Command("setpriv", {
    args: ["--pdeathsig", "KILL", QEMU, ...argumentsOf(options, folder)],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

async function makeOverlay(folder: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("qemu-img", {
    args: [
      ...["create", "-q", "-f", "qcow2", "-F", "raw"],
      ...["-b", `${XEN_LAB}/disk.raw`, `${folder}/disk.qcow2`],
    ],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

function argumentsOf(options: XenHostOptions, folder: string): string[] {
  const { number = 1, memoryMiB = 2560, dom0MiB = 1024 } = options;
  const { files = {}, network } = options;
  return [
    ...["-machine", "q35,smm=off", "-accel", "tcg,thread=multi"],
    ...["-cpu", CPU, "-smp", PROCESSORS, "-m", `${memoryMiB}`],
    ...["-nodefaults", "-display", "none"],
    ...["-serial", `file:${folder}/serial`, "-kernel", `${XEN_LAB}/xen`],
    "-append",
    `dom0_mem=${dom0MiB}M,max:${dom0MiB}M com1=115200,8n1 console=com1 ${HYPERVISOR}`,
    "-initrd",
    `${XEN_LAB}/vmlinux console=hvc0 ${KERNEL} lab.host=${number},${XEN_LAB}/initrd`,
    ...drive(`${folder}/disk.qcow2`, "qcow2", "discard=unmap"),
    ...Object.values(files).flatMap((file) =>
      drive(file, "raw", "readonly=on")
    ),
    ...["-device", "virtio-serial-pci"],
    ...Array.from({ length: DOORS }, (_, at) => [
      "-chardev",
      `socket,id=door${at},path=${folder}/door${at},server=on,wait=off`,
      ...["-device", `virtserialport,chardev=door${at},nr=${at + 1}`],
    ]).flat(),
    ...["-netdev", "user,id=outside", "-device"],
    `virtio-net-pci,netdev=outside,mac=52:54:00:78:00:0${number}`,
    ...(network === undefined ? [] : [
      "-netdev",
      `stream,id=private,server=${network.isFirst ? "on" : "off"},` +
      `addr.type=unix,addr.path=${network.path}`,
      "-device",
      `virtio-net-pci,netdev=private,mac=52:54:00:78:01:0${number}`,
    ]),
  ];
}

function drive(file: string, format: string, how: string): string[] {
  return [
    "-drive",
    `file=${file},if=virtio,format=${format},cache=unsafe,${how}`,
  ];
}

/** Boots two hosts that share a private network. */
export async function bootPair(
  options: XenHostOptions,
  folder: string,
): Promise<[XenHost, XenHost]> {
  const path = `${folder}/private`;
  const of = async (number: number, isFirst: boolean) => {
    const its = `${folder}/xen${number}`;
    await Deno.mkdir(its, { recursive: true });
    const network = { path, isFirst };
    return await XenHost.boot({ ...options, number, folder: its, network });
  };
  const first = of(1, true);
  first.catch(() => {});
  await until("the private network is there", () => Deno.statSync(path));
  const [one, two] = await Promise.allSettled([first, of(2, false)]);
  if (one.status === "fulfilled" && two.status === "fulfilled") {
    return [one.value, two.value];
  }
  for (const its of [one, two]) {
    if (its.status === "fulfilled") await its.value[Symbol.asyncDispose]();
  }
  throw one.status === "rejected"
    ? one.reason
    : (two as PromiseRejectedResult).reason;
}
