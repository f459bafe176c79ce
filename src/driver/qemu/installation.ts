/**
 * The QEMU that is installed on this node: its version, and the accelerator
 * that works with it.
 *
 * @module
 */
import { isUsherError, messageOf, UsherError } from "../../error/mod.ts";
import type { QemuConfig } from "../../schema/config.ts";
import { runCommand } from "../../sys/child.ts";
import type { Probe } from "../driver.ts";
import { type AccelChoice, chooseAccel } from "./accel.ts";

const VERSION_MS = 10_000;

/** This node's QEMU. */
export class Installation {
  readonly #config: QemuConfig;
  readonly #memory: string;
  #accel: Promise<AccelChoice> | null = null;
  #asking: Promise<string> | null = null;

  /** `memory` is the file that keeps what a trial of KVM has shown. */
  constructor(config: QemuConfig, memory: string) {
    this.#config = config;
    this.#memory = memory;
  }

  /**
   * Asks QEMU, once for all who ask at the same time. Throws `not_found` when
   * there is none, `driver_failed` when it is no QEMU.
   */
  version(): Promise<string> {
    this.#asking ??= this.#ask().finally(() => this.#asking = null);
    return this.#asking;
  }

  async #ask(): Promise<string> {
    const { binary } = this.#config;
    const { stdout, code, timedOut } = await runCommand(
      binary,
      ["--version"],
      VERSION_MS,
    );
    const version = /version (\d+(?:\.\d+)+)/.exec(stdout)?.[1];
    if (version !== undefined) return version;
    const how = timedOut
      ? `did not answer within ${VERSION_MS} ms`
      : `answered with exit code ${code}`;
    throw new UsherError(
      "driver_failed",
      `Cannot use ${binary}: asked for its version, it ${how}`,
    );
  }

  /** What can be said of it to the node. */
  async probe(): Promise<Probe> {
    try {
      const [version, { accel, reason }] = await Promise.all([
        this.version(),
        this.accel(),
      ]);
      const attributes = { accel, accelReason: reason };
      return { health: "healthy", version, attributes };
    } catch (error) {
      const isAbsent = isUsherError(error, "not_found");
      return {
        health: isAbsent ? "undetected" : "unhealthy",
        reason: messageOf(error),
      };
    }
  }

  /** The accelerator for guests; found out once, unless that fails. */
  accel(): Promise<AccelChoice> {
    this.#accel ??= this.#choose();
    this.#accel.catch(() => this.#accel = null);
    return this.#accel;
  }

  async #choose(): Promise<AccelChoice> {
    const { binary, accel: wanted } = this.#config;
    const version = await this.version();
    return await chooseAccel({ wanted, binary, version, memory: this.#memory });
  }
}
