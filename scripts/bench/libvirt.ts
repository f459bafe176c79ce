/**
 * libvirt with the same guest, where it is installed.
 *
 * @module
 */
import { isInstalled, runQuietly } from "./command.ts";
import { GUEST, MEMORY_MIB } from "./bare_qemu.ts";

const ANSWER_MS = 30_000;

/** The daemons that a guest of libvirt needs. */
const DAEMONS = ["virtlogd", "libvirtd"];

/** A libvirt that answers; ours to end when nobody ran one before. */
export class Libvirt implements AsyncDisposable {
  readonly #daemons: readonly Deno.ChildProcess[];
  readonly #dir: string;

  private constructor(daemons: readonly Deno.ChildProcess[], dir: string) {
    this.#daemons = daemons;
    this.#dir = dir;
  }

  /** Null where there is none. */
  static async open(dir: string): Promise<Libvirt | null> {
    for (const program of ["virsh", ...DAEMONS]) {
      if (!await isInstalled(program)) return null;
    }
    if (await answers()) return new Libvirt([], dir);
    const stdio = { stdin: "null", stdout: "null", stderr: "null" } as const;
    const libvirt = new Libvirt(
      DAEMONS.map((program) => new Deno.Command(program, stdio).spawn()),
      dir,
    );
    const deadline = performance.now() + ANSWER_MS;
    while (performance.now() < deadline) {
      if (await answers()) return libvirt;
    }
    await libvirt[Symbol.asyncDispose]();
    return null;
  }

  /** The `virsh create` of one guest. */
  async create(name: string): Promise<void> {
    const path = `${this.#dir}/${name}.xml`;
    await Deno.writeTextFile(path, domainXml(name));
    await virsh("create", path);
  }

  /** The `virsh destroy` of one guest. */
  async destroy(name: string): Promise<void> {
    await virsh("destroy", name);
  }

  /** The `virsh list` of all domains. */
  async list(): Promise<void> {
    await virsh("list", "--all");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const daemon of this.#daemons.toReversed()) {
      daemon.kill("SIGTERM");
      await daemon.status;
    }
  }
}

async function virsh(...args: string[]): Promise<void> {
  await runQuietly("virsh", ["-q", "-c", "qemu:///system", ...args]);
}

async function answers(): Promise<boolean> {
  return await virsh("list").then(() => true, () => false);
}

function domainXml(name: string): string {
  return `<domain type="qemu">
  <name>${name}</name>
  <memory unit="MiB">${MEMORY_MIB}</memory>
  <os>
    <type arch="x86_64" machine="pc">hvm</type>
    <kernel>${GUEST.kernel}</kernel>
    <initrd>${GUEST.initrd}</initrd>
    <cmdline>${GUEST.cmdline}</cmdline>
  </os>
  <on_poweroff>destroy</on_poweroff>
  <devices><serial type="null"/></devices>
</domain>
`;
}
