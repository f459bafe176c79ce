/**
 * A node with the qemu driver for one test: its own directories, the guests
 * that `scripts/guest/build.sh` makes, and the ways to break them.
 *
 * The ordinary guest is a boot sector (`boot.raw`): it speaks, echoes and
 * obeys the power button within a tenth of the time that a kernel takes.
 *
 * @module
 */
import type {
  DomainPlan,
  DomainReport,
  Driver,
  Peers,
} from "../../src/driver/driver.ts";
import { openQemuDriver } from "../../src/driver/qemu/mod.ts";
import { type Layout, layOut } from "../../src/driver/qemu/layout.ts";
import { scanProcesses } from "../../src/driver/qemu/process_scan.ts";
import { QmpClient } from "../../src/driver/qemu/qmp/client.ts";
import { VmSpec } from "../../src/schema/vm.ts";
import { newId } from "../../src/sys/id.ts";
import { connectUnix } from "../../src/sys/unix_socket.ts";
import type { DriverHarness, PlanKind } from "../conformance/driver/harness.ts";
import { startInDyingLnm } from "./dying_lnm.ts";
import { testPeers } from "./peer_keys.ts";
import { printed, say, untilPrinted } from "./guest_line.ts";
import { until } from "./wait.ts";

/** The program. */
export const QEMU = "qemu-system-x86_64";
const ROOT = new URL("../..", import.meta.url).pathname;

/** Where the guests are built. */
export const GUEST = `${ROOT}.cache/guest`;

/** Why qemu tests cannot run here; undefined when they can. Builds the guests. */
export function whyNoQemu(): string | undefined {
  try {
    new Deno.Command(QEMU, { args: ["--version"], stdout: "null" })
      .outputSync();
  } catch {
    return `${QEMU} is not installed`;
  }
  const built = new Deno.Command(`${ROOT}scripts/guest/build.sh`, {
    stdout: "null",
    stderr: "piped",
  }).outputSync();
  return built.success
    ? undefined
    : new TextDecoder().decode(built.stderr).trim();
}

const ignore = whyNoQemu() !== undefined;

/** Declares a test on a node of its own; `config` is the driver's part of `lnm.yaml`. */
export function qemuTest(
  name: string,
  fn: (node: QemuNode) => Promise<void>,
  config: Record<string, unknown> = {},
): void {
  Deno.test({
    name: `qemu: ${name}`,
    ignore,
    async fn() {
      await using node = await QemuNode.open({ config });
      await fn(node);
    },
  });
}

/** What a test may set. */
export interface QemuNodeOptions {
  readonly config?: Record<string, unknown>;
  /** What the node is called; its peers know it by that name. */
  readonly name?: string;
  readonly ports?: Peers["ports"];
  /** A folder to use, which is there; a new one when absent. */
  readonly dir?: string;
}

export class QemuNode implements DriverHarness {
  // A busy machine emulates a boot at a fiftieth of its usual speed.
  readonly deadlineMs = 240_000;
  readonly refusalWords = /not in qcow2 format/;
  readonly foreignStays = false;
  readonly dir: string;
  readonly layout: Layout;
  #config: Record<string, unknown>;
  /** A script that runs QEMU. */
  readonly binary: string;
  readonly #foreign: { child: Deno.ChildProcess; name: string }[] = [];
  readonly name: string;
  readonly #peers: Peers;
  readonly #isGiven: boolean;
  #isClosed = false;
  #others: QemuNode[] = [];
  driver!: Driver;
  #count = 0;

  private constructor(
    { config = {}, name = "n1", ports, dir }: QemuNodeOptions,
  ) {
    this.dir = dir ?? Deno.makeTempDirSync({ prefix: "uq" });
    this.layout = layOut(`${this.dir}/state`, `${this.dir}/run`)!;
    this.binary = `${this.dir}/${QEMU}`;
    this.#isGiven = dir !== undefined;
    this.useRealQemu();
    this.name = name;
    this.#peers = testPeers(this.keys, name, ports);
    this.#config = { accel: "tcg", binary: this.binary, ...config };
  }

  static async open(options: QemuNodeOptions = {}): Promise<QemuNode> {
    const node = new QemuNode(options);
    await node.#openDriver();
    return node;
  }

  async reopen(config: Record<string, unknown> = {}): Promise<Driver> {
    this.#config = { ...this.#config, ...config };
    await this.driver[Symbol.asyncDispose]();
    return await this.#openDriver();
  }

  plan(kind: PlanKind = "ordinary"): Promise<DomainPlan> {
    // Both nodes see the files of this machine; an overlay is a node's own.
    if (kind === "ordinary" && this.#others.length > 0) {
      const base = `${GUEST}/boot.raw`;
      return Promise.resolve(this.planOf({ disks: [{ base, format: "raw" }] }));
    }
    const image = kind === "deaf" ? "deaf.raw" : "boot.raw";
    const path = `${this.dir}/${++this.#count}.raw`;
    Deno.copyFileSync(`${GUEST}/${image}`, path);
    if (kind === "hanging") {
      this.#useScript(`exec ${QEMU} -S -nodefaults -display none`);
    }
    if (kind === "slow") this.#useScript(`sleep 1\nexec ${QEMU} "$@"`);
    // A raw file is no qcow2 image, which only QEMU itself finds out.
    const format = kind === "broken" ? "qcow2" : "raw";
    return Promise.resolve(this.planOf({ disks: [{ path, format }] }));
  }

  /** A plan of any spec. */
  planOf(spec: Record<string, unknown>): DomainPlan {
    return {
      uid: newId(),
      name: `web-${++this.#count}.lab.ann`,
      generation: this.#count,
      incarnation: newId(),
      spec: VmSpec.parse({ driver: "qemu", memoryMiB: 32, ...spec }),
    };
  }

  /** A plan of the micro guest: a whole Linux, up in two seconds on a quiet machine. */
  planGuest(cmdline = "", more: Record<string, unknown> = {}): DomainPlan {
    const boot = {
      kernel: `${GUEST}/vmlinuz`,
      initrd: `${GUEST}/initrd`,
      // The kernel's check of its timer fails where QEMU hardly runs.
      cmdline: `console=ttyS0 no_timer_check quiet ${cmdline}`,
    };
    return this.planOf({ memoryMiB: 128, boot, ...more });
  }

  /** Waits until no domain is left. */
  async untilGone(): Promise<void> {
    await until(
      "no guest is left",
      () => scanProcesses(this.layout).own.length === 0,
      this,
    );
  }

  async guestUp(uid: string): Promise<void> {
    await this.untilPrinted(uid, "usher-boot-sector speaks");
  }

  /** Waits until the serial line has said `text`. */
  untilPrinted(uid: string, text: string, deadlineMs?: number): Promise<void> {
    return untilPrinted(this, uid, text, deadlineMs);
  }

  /** What the serial line has said. */
  printed(uid: string): Promise<string> {
    return printed(this, uid);
  }

  occupants(): Promise<string[]> {
    return Promise.resolve(
      scanProcesses(this.layout).own.map(({ marker }) => marker.uid),
    );
  }

  /** The pid of a running domain. */
  pidOf(uid: string): number {
    const found = scanProcesses(this.layout).own.find(({ marker }) =>
      marker.uid === uid
    );
    if (found === undefined) throw new Error(`no process of ${uid}`);
    return found.id.pid;
  }

  async leftovers(uid: string): Promise<string[]> {
    const found: string[] = [];
    for (
      const folder of [
        this.layout.runDir,
        this.layout.handles,
        this.layout.overlays,
        this.layout.logs,
      ]
    ) {
      for await (const { name } of Deno.readDir(folder)) {
        if (name.startsWith(uid)) found.push(name);
      }
    }
    return found;
  }

  crashGuest(uid: string): Promise<void> {
    return Promise.resolve(Deno.kill(this.pidOf(uid), "SIGKILL"));
  }

  shutDownGuest(uid: string): Promise<void> {
    return this.command(uid, "system_powerdown");
  }

  /** Has QEMU do something past the driver, by the monitor that it leaves free. */
  async command(uid: string, command: string): Promise<void> {
    await this.qmp(uid, command);
  }

  /** The same, for a command that says something. */
  async qmp(
    uid: string,
    command: string,
    args: Record<string, unknown> = {},
  ): Promise<unknown> {
    using monitor = new QmpClient();
    await monitor.open(
      () => connectUnix(this.layout.files(uid).monitors[1]),
      AbortSignal.timeout(this.deadlineMs),
    );
    const { deadlineMs } = this;
    const answer = await monitor.execute(command, args, { deadlineMs });
    monitor.close();
    await monitor.ended;
    return answer;
  }

  /** Types a line at the micro guest's prompt and waits for `answer`. */
  say(uid: string, line: string, answer: string): Promise<void> {
    return say(this, uid, line, answer);
  }

  async loseHandle(uid: string): Promise<void> {
    const { handle, pidFile } = this.layout.files(uid);
    await Deno.remove(handle);
    await Deno.remove(pidFile);
  }

  plantForeign(name = `stranger-${newId()}`): Promise<string> {
    const child = new Deno.Command(QEMU, {
      args: [
        "-name",
        name,
        "-accel",
        "tcg",
        "-m",
        "16",
        "-S",
        "-nodefaults",
        "-display",
        "none",
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#foreign.push({ child, name });
    return Promise.resolve(name);
  }

  freeze(uid: string): Promise<void> {
    return Promise.resolve(Deno.kill(this.pidOf(uid), "SIGSTOP"));
  }

  /** The folder with what its peers know it by. */
  get keys(): string {
    return `${this.dir}/peer`;
  }

  async peer(options: QemuNodeOptions = {}): Promise<QemuNode> {
    const other = await QemuNode.open({ name: this.name, ...options });
    this.#others.push(other);
    return other;
  }

  async startInDyingLnm(plan: DomainPlan): Promise<void> {
    await this.driver[Symbol.asyncDispose]();
    await startInDyingLnm({
      driver: "qemu",
      config: this.#config,
      stateDir: `${this.dir}/state`,
      runDir: `${this.dir}/run`,
      plan,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const other of this.#others) await other[Symbol.asyncDispose]();
    this.#others = [];
    await this.driver[Symbol.asyncDispose]();
    for (const { id } of scanProcesses(this.layout).own) {
      Deno.kill(id.pid, "SIGKILL");
    }
    for (const { child } of this.#foreign) {
      child.kill("SIGKILL");
      await child.status;
    }
    await this.untilGone();
    if (Deno.env.get("USHER_KEEP") !== "1" && !this.#isGiven) {
      await Deno.remove(this.dir, { recursive: true });
    }
  }

  async #openDriver(): Promise<Driver> {
    const driver = await openQemuDriver(
      {
        node: this.name,
        stateDir: `${this.dir}/state`,
        runDir: `${this.dir}/run`,
        peers: this.#peers,
        log() {},
      },
      this.#config,
    );
    // Other tests, and people, run QEMUs of their own on this machine.
    const list = driver.list.bind(driver);
    driver.list = async (signal) =>
      (await list(signal)).filter((report) => this.#isOfThisTest(report));
    this.driver = driver;
    return driver;
  }

  #isOfThisTest({ uid, name }: DomainReport): boolean {
    return uid !== null ||
      this.#foreign.some((foreign) => foreign.name === name);
  }

  /** Takes back whatever was put in QEMU's place. */
  useRealQemu(): void {
    Deno.writeTextFileSync(this.binary, `#!/bin/sh\nexec ${QEMU} "$@"\n`, {
      mode: 0o755,
    });
  }

  /** Puts a program of ours in QEMU's place (`fake_qemu.ts`), for guests. */
  useFakeQemu(manner: string): void {
    const program = new URL("fake_qemu.ts", import.meta.url).pathname;
    const run = `${Deno.execPath()} run --allow-all --no-check ${program}`;
    this.#useScript(
      `export DENO_DIR=${this.dir}/deno\nexec ${run} ${manner} "$@"`,
    );
  }

  /** Puts a script in QEMU's place, for guests; its version is still asked of the real one. */
  #useScript(body: string): void {
    const script =
      `#!/bin/sh\n[ "$1" = --version ] && exec ${QEMU} --version\n${body}\n`;
    Deno.writeTextFileSync(this.binary, script, { mode: 0o755 });
  }
}
