/**
 * What each driver's figures are taken with: guests, the hypervisor's own
 * tools, and a hand that stops a guest past usher.
 *
 * A subject whose hypervisor is not there is null, and has no rows.
 *
 * @module
 */
import { layOut } from "../../src/driver/qemu/layout.ts";
import { scanProcesses } from "../../src/driver/qemu/process_scan.ts";
import { uuidOfUid } from "../../src/driver/identity.ts";
import type { KnownDriver } from "../../src/schema/known_driver.ts";
import type { SpecInput } from "../../src/schema/request.ts";
import { bareQemu, GUEST, MEMORY_MIB } from "./bare_qemu.ts";
import { isInstalled, runQuietly } from "./command.ts";
import { Libvirt } from "./libvirt.ts";
import { time } from "./row.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** A hypervisor, with and without usher. */
export interface Subject extends AsyncDisposable {
  readonly driver: KnownDriver;
  /** The driver's part of the node's configuration. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The guest whose start is measured. */
  readonly guest: SpecInput;
  /** A guest of next to nothing, of which there may be many. */
  readonly idle: SpecInput;
  /** What the hypervisor's own tool is, where it has one. */
  readonly tool?: string;
  /** Milliseconds of a start and of a stop without usher; absent where there is nothing to start. */
  bare?(
    name: string,
  ): Promise<{ readonly start: number; readonly stop: number }>;
  /** Ends a guest past usher, of the node whose folders are given. */
  stopByHand?(uid: string, stateDir: string, runDir: string): Promise<void>;
  /** Lists all domains by the hypervisor's own tool. */
  readonly list?: readonly [name: string, run: () => Promise<void>];
}

const LINUX: SpecInput = { memoryMiB: MEMORY_MIB, boot: GUEST };
/** A boot sector that halts; read only, so that many may have it. */
const SECTOR: SpecInput = {
  memoryMiB: 16,
  disks: [{
    path: `${ROOT}.cache/guest/boot.raw`,
    format: "raw",
    readonly: true,
    shared: false,
  }],
};

const nothing = { [Symbol.asyncDispose]: () => Promise.resolve() };

/** Simulated VMs: usher's own share, and no hypervisor's. */
export const SIM: Subject = {
  driver: "sim",
  config: {},
  guest: {},
  idle: {},
  ...nothing,
};

/** QEMU alone. */
export async function qemuSubject(dir: string): Promise<Subject | null> {
  if (!await isInstalled("qemu-system-x86_64")) return null;
  return {
    driver: "qemu",
    config: { accel: "tcg" },
    guest: LINUX,
    idle: SECTOR,
    tool: "bare QEMU",
    async bare(name) {
      const { start, poweroff } = await bareQemu(`${dir}/${name}`);
      return { start, stop: poweroff };
    },
    stopByHand(uid, stateDir, runDir) {
      const layout = layOut(`${stateDir}/qemu`, `${runDir}/qemu`);
      const own = layout === null ? [] : scanProcesses(layout).own;
      const its = own.find(({ marker }) => marker.uid === uid);
      if (its === undefined) throw new Error(`no process of ${uid}`);
      Deno.kill(its.id.pid, "SIGTERM");
      return Promise.resolve();
    },
    list: ["ps of all processes", () => runQuietly("ps", ["-eo", "pid,args"])],
    ...nothing,
  };
}

/** libvirt, by a daemon that is there or is started for this. */
export async function libvirtSubject(dir: string): Promise<Subject | null> {
  const libvirt = await Libvirt.open(dir);
  if (libvirt === null) return null;
  return {
    driver: "libvirt",
    config: { accel: "tcg" },
    guest: LINUX,
    idle: SECTOR,
    tool: "virsh",
    bare: async (name) => ({
      start: await time(() => libvirt.create(name)),
      stop: await time(() => libvirt.destroy(name)),
    }),
    stopByHand: (uid) => libvirt.destroy(uuidOfUid(uid)),
    list: ["virsh list --all", () => libvirt.list()],
    [Symbol.asyncDispose]: () => libvirt[Symbol.asyncDispose](),
  };
}
