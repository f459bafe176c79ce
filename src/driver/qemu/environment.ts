/**
 * What every part of one qemu driver shares.
 *
 * @module
 */
import type { QemuConfig } from "../../schema/config.ts";
import type { DomainReport, DriverContext } from "../driver.ts";
import type { AccelChoice } from "./accel.ts";
import type { SeenState } from "./domain_state.ts";
import type { Handle } from "./handle.ts";
import type { Layout } from "./layout.ts";

/** What every part of the driver is given. */
export interface QemuEnvironment {
  /** The node's name, for messages. */
  readonly node: string;
  readonly config: QemuConfig;
  readonly layout: Layout;
  readonly bootId: string;
  readonly log: DriverContext["log"];
  /** Aborts when this LNM lets go of its domains; they run on. */
  readonly closing: AbortSignal;
  /** Hands a domain's newest report to whoever watches. */
  publish(report: DomainReport): void;
  /** The accelerator; asked once, remembered. Throws when there is no QEMU. */
  accel(): Promise<AccelChoice>;
  /** A domain's state as it is told: one that the guard holds is `held`. */
  told(handle: Handle, state: SeenState): SeenState & { held?: true };
  /** The name of the running VM that uses this file, if it is one of ours. */
  holderOf(disk: string): string | null;
}
