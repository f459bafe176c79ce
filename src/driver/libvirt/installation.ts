/**
 * What the node has of libvirt: its version, its hypervisor's, and whether it
 * offers KVM.
 *
 * @module
 */
import { isUsherError } from "../../error/mod.ts";
import type { LibvirtConfig } from "../../schema/config.ts";
import type { Capacity } from "../../schema/node.ts";
import type { Probe } from "../driver.ts";
import { isLocal } from "./uri.ts";
import { OUT_OF_REACH, type Virsh } from "./virsh.ts";

const PROBE_MS = 20_000;
/** Why the guests of such a daemon cannot be paused in time. */
const ELSEWHERE = "no, its guests are not processes of this machine";

/** The libvirt of one node. */
export class Installation {
  readonly #virsh: Virsh;
  readonly #config: LibvirtConfig;
  #accel: Promise<"kvm" | "tcg"> | null = null;

  constructor(virsh: Virsh, config: LibvirtConfig) {
    this.#virsh = virsh;
    this.#config = config;
  }

  /** Looks at virsh, at the daemon, and at what that runs. */
  async probe(signal: AbortSignal): Promise<Probe> {
    try {
      const text = await this.#virsh.ask(["version"], signal, PROBE_MS);
      const { uri } = this.#config;
      const hypervisor = wordsAfter("Running hypervisor", text);
      if (hypervisor !== null && !/^QEMU\b/i.test(hypervisor)) {
        return {
          health: "unhealthy",
          reason:
            `libvirtd: ${uri} runs ${hypervisor}, and VMs here need QEMU, such as qemu:///system has`,
        };
      }
      const info = await this.#virsh.ask(["nodeinfo"], signal, PROBE_MS);
      const accel = await this.accel();
      return {
        health: "healthy",
        version: wordsAfter("Using library", text)?.replace(/^libvirt /, "") ??
          "unknown",
        ...machineOf(info),
        attributes: {
          uri,
          accel,
          ...(hypervisor === null ? {} : { hypervisor }),
          ...(isLocal(uri) ? {} : { guarding: ELSEWHERE }),
        },
      };
    } catch (error) {
      signal.throwIfAborted();
      if (!isUsherError(error)) throw error;
      const isMissing = isUsherError(error.cause, "not_found");
      return {
        health: isMissing ? "undetected" : "unhealthy",
        reason: error.message.replace(OUT_OF_REACH, ""),
      };
    }
  }

  /** What guests run with; asked once, since libvirt tries KVM anew each time. Throws `unavailable`. */
  accel(): Promise<"kvm" | "tcg"> {
    const { accel } = this.#config;
    if (accel !== "auto") return Promise.resolve(accel);
    this.#accel ??= this.#findAccel().catch((error) => {
      this.#accel = null;
      throw error;
    });
    return this.#accel;
  }

  /** The daemon may be another one now. */
  forget(): void {
    this.#accel = null;
  }

  async #findAccel(): Promise<"kvm" | "tcg"> {
    try {
      await this.#virsh.ask(
        ["domcapabilities", "--virttype", "kvm"],
        undefined,
        PROBE_MS,
      );
      return "kvm";
    } catch (error) {
      if (isUsherError(error, "driver_failed")) return "tcg";
      throw error;
    }
  }
}

/** The machine at the far end of the connection, from what `virsh nodeinfo` prints. */
function machineOf(text: string): { readonly machine?: Capacity } {
  const cpus = parseInt(wordsAfter("CPU(s)", text) ?? "");
  const memoryMiB = Math.floor(
    parseInt(wordsAfter("Memory size", text) ?? "") / 1024,
  );
  return cpus > 0 && memoryMiB > 0 ? { machine: { cpus, memoryMiB } } : {};
}

/** What stands behind a label in what virsh prints; null when it has no such line. */
function wordsAfter(label: string, text: string): string | null {
  const line = text.split("\n").find((line) => line.startsWith(`${label}: `));
  return line?.slice(label.length + 2).trim() ?? null;
}
