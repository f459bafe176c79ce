/**
 * What all parts of the driver are made with.
 *
 * @module
 */
import type { LibvirtConfig } from "../../schema/config.ts";
import type { DomainReport, DriverContext } from "../driver.ts";
import type { Told } from "../guard/guarding.ts";
import type { Handle } from "./handle.ts";
import type { Layout } from "./layout.ts";
import type { Virsh } from "./virsh.ts";

/** One node's libvirt, and what its domains may use. */
export interface LibvirtEnvironment {
  readonly node: string;
  readonly config: LibvirtConfig;
  readonly layout: Layout;
  readonly virsh: Virsh;
  /** The boot of this machine. */
  readonly bootId: string;
  readonly log: DriverContext["log"];
  /** Aborts when the driver is closed. */
  readonly closing: AbortSignal;
  /** Tells whoever watches. */
  publish(report: DomainReport): void;
  /** A domain's state as it is told: one that the guard holds is `held`. */
  told(handle: Handle, seen: Told): Told;
  /** What runs guests here. Throws `unavailable`. */
  accel(): Promise<"kvm" | "tcg">;
}
