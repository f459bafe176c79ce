/**
 * A whole site with real QEMU guests: what `TestSite` is, and the processes
 * behind it to be killed, frozen and counted.
 *
 * @module
 */
import { layOut } from "../../src/driver/qemu/layout.ts";
import { scanProcesses } from "../../src/driver/qemu/process_scan.ts";
import { GUEST, QEMU } from "./qemu_node.ts";
import { TestSite, type TestSiteOptions } from "./site.ts";
import { until } from "./wait.ts";

/** A busy machine emulates a boot at a fiftieth of its usual speed. */
export const PATIENCE = { deadlineMs: 60_000 };

/** One node, called n1, under the qemu driver. */
export class QemuSite implements AsyncDisposable {
  readonly #dir: string;
  readonly site: TestSite;
  /** The program that the node takes for QEMU; a test may put another there. */
  readonly binary: string;
  #disks = 0;

  private constructor(dir: string, site: TestSite, binary: string) {
    this.#dir = dir;
    this.site = site;
    this.binary = binary;
  }

  /** Starts the site; `config` is the qemu driver's part of `lnm.yaml`. */
  static async start(
    config: Record<string, unknown> = {},
    plugins: Pick<TestSiteOptions, "modules" | "ctrl"> = {},
  ): Promise<QemuSite> {
    const dir = await Deno.makeTempDir({ prefix: "uqs" });
    const binary = `${dir}/${QEMU}`;
    await writeProgram(binary, `exec ${QEMU} "$@"`);
    const site = await TestSite.start({
      stateDir: dir,
      driver: "qemu",
      ...plugins,
      lnm: {
        usage_interval: "200ms",
        drivers: { qemu: { accel: "tcg", binary, ...config } },
      },
    });
    return new QemuSite(dir, site, binary);
  }

  /** Puts a shell script in QEMU's place, for guests; its version is still asked of the real one. */
  async replaceQemu(body: string): Promise<void> {
    await writeProgram(
      this.binary,
      `[ "$1" = --version ] && exec ${QEMU} --version\n${body}`,
    );
  }

  /** The spec of a guest that is up at once; a deaf one ignores its power button. */
  async spec(image: "boot" | "deaf" = "boot"): Promise<{
    memoryMiB: number;
    disks: { path: string; format: string }[];
  }> {
    const path = `${this.#dir}/${++this.#disks}.raw`;
    await Deno.copyFile(`${GUEST}/${image}.raw`, path);
    return { memoryMiB: 32, disks: [{ path, format: "raw" }] };
  }

  /** Pids of all guests. */
  pids(): number[] {
    return this.#scan().map(({ id }) => id.pid);
  }

  /** Waits until the serial line of a VM has said `text`. */
  async untilPrinted(vm: string, text: string): Promise<void> {
    const { uid } = await this.site.vm(vm);
    const log = `${this.#dir}/n1/qemu/logs/${uid}.console`;
    await until(
      `${vm} prints ${text}`,
      async () => (await Deno.readTextFile(log)).includes(text),
      PATIENCE,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.site[Symbol.asyncDispose]();
    for (const pid of this.pids()) Deno.kill(pid, "SIGKILL");
    await until("no guest is left", () => this.pids().length === 0, PATIENCE);
    await Deno.remove(this.#dir, { recursive: true });
  }

  #scan() {
    const layout = layOut(`${this.#dir}/n1/qemu`, `${this.#dir}/run/n1/qemu`);
    return scanProcesses(layout!).own;
  }
}

/** Written aside and renamed: a program that runs cannot be written to. */
async function writeProgram(path: string, body: string): Promise<void> {
  await Deno.writeTextFile(`${path}.new`, `#!/bin/sh\n${body}\n`, {
    mode: 0o755,
  });
  await Deno.rename(`${path}.new`, path);
}
