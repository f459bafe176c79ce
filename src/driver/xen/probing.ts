/**
 * What this host is: whether it is a dom0 at all, which Xen, and what it can.
 *
 * @module
 */
import { isUsherError, messageOf } from "../../error/mod.ts";
import { statOrNull } from "../../sys/file.ts";
import type { Probe } from "../driver.ts";
import type { Layout } from "./layout.ts";
import type { XenMachine } from "./machine.ts";
import type { Xl } from "./xl.ts";

const NOT_DOM0 =
  /privileged command interface|hypervisor information|libxc handle|toolstack|not running|xencall/i;

/** Looks at the machine. */
export async function probeXen(
  xl: Xl,
  machine: XenMachine,
  layout: Layout,
  signal: AbortSignal,
): Promise<Probe> {
  try {
    const info = await xl.info(signal);
    const can = (info.get("virt_caps") ?? "").split(" ");
    const capacity = await machine.capacity(info, signal);
    return {
      health: "healthy",
      version: info.get("xen_version") ?? "",
      ...(capacity === null ? {} : { machine: capacity }),
      attributes: {
        guests: [...guestTypes(can), ...await hvm(can)].join(" "),
        pvMigration: can.includes("shadow") ? "yes" : "no",
        consoleLog: await keepsConsoles(layout) ? "yes" : "no",
      },
    };
  } catch (error) {
    signal.throwIfAborted();
    const reason = messageOf(error);
    if (isUsherError(error, "not_found")) {
      const isForbidden = /EACCES|EPERM/.test(reason);
      return {
        health: "undetected",
        reason: isForbidden
          ? "xl: may not be run by the node manager"
          : "xl: not installed",
      };
    }
    return NOT_DOM0.test(reason)
      ? { health: "undetected", reason: `xl: not in dom0 (${reason})` }
      : { health: "unhealthy", reason };
  }
}

function guestTypes(can: readonly string[]): string[] {
  const hardware = can.includes("hvm") && can.includes("hap");
  return [...(can.includes("pv") ? ["pv"] : []), ...(hardware ? ["pvh"] : [])];
}

/** Where Debian and Xen itself have the QEMU that an hvm guest needs. */
const DEVICE_MODELS = [
  "/usr/libexec/xen-qemu-system-i386",
  "/usr/lib/xen/bin/qemu-system-i386",
];

async function hvm(can: readonly string[]): Promise<string[]> {
  if (!can.includes("hvm")) return [];
  for (const path of DEVICE_MODELS) {
    if (await statOrNull(path) !== null) return ["hvm"];
  }
  return [];
}

async function keepsConsoles({ xenLogs }: Layout): Promise<boolean> {
  return await statOrNull(`${xenLogs}/console`) !== null;
}
