/**
 * A node with the xen driver for one test: on a Xen host of files
 * (`fake_xl.sh`), so that the driver's own part is held to the contract on any
 * machine.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { openXenDriver } from "../../src/driver/xen/mod.ts";
import { uidOfUuid, uuidOfUid } from "../../src/driver/identity.ts";
import type { DomainPlan, Driver } from "../../src/driver/driver.ts";
import { findMonitors } from "../../src/driver/xen/processes.ts";
import { fileIdentity } from "../../src/sys/file_access.ts";
import { listPids, readArguments } from "../../src/sys/process_table.ts";
import { VmSpec } from "../../src/schema/vm.ts";
import { newId } from "../../src/sys/id.ts";
import type { DriverHarness, PlanKind } from "../conformance/driver/harness.ts";
import { testPeers } from "./peer_keys.ts";
import { startInDyingLnm } from "./dying_lnm.ts";
import { until } from "./wait.ts";

const SCRIPT = new URL("fake_xl.sh", import.meta.url).pathname;
const PROGRAMS = [
  "xl",
  ...["read", "write", "rm", "watch"].map((tool) => `xenstore-${tool}`),
];

/** Declares a test on a node of its own; `config` is the driver's part of `lnm.yaml`. */
export function xenTest(
  name: string,
  fn: (node: FakeXenNode) => Promise<void>,
  config: Record<string, unknown> = {},
): void {
  Deno.test(`xen: ${name}`, async () => {
    await using node = await FakeXenNode.open(config);
    await fn(node);
  });
}

/** The node. */
export class FakeXenNode implements DriverHarness {
  readonly deadlineMs = 30_000;
  readonly refusalWords = /no loader found: Invalid kernel/;
  readonly foreignStays = false;
  readonly dir = Deno.makeTempDirSync({ prefix: "ux" });
  readonly xl = `${this.dir}/host/xl`;
  driver!: Driver;
  /** What the driver has logged. */
  readonly logged: string[] = [];
  readonly #config: Record<string, unknown>;
  readonly #peers = testPeers(`${this.dir}/keys`, "peer");
  #peer: FakeXenNode | undefined;
  #count = 0;

  private constructor(config: Record<string, unknown>) {
    this.#config = { xl: this.xl, bridges: ["xenbr*"], ...config };
    Deno.mkdirSync(`${this.dir}/host`);
    for (const program of PROGRAMS) {
      Deno.copyFileSync(SCRIPT, `${this.dir}/host/${program}`);
    }
  }

  static async open(
    config: Record<string, unknown> = {},
  ): Promise<FakeXenNode> {
    const node = new FakeXenNode(config);
    await node.#openDriver();
    return node;
  }

  async reopen(): Promise<Driver> {
    await this.driver[Symbol.asyncDispose]();
    return await this.#openDriver();
  }

  /** A plan; its guest behaves as the kind says. */
  plan(kind: PlanKind = "ordinary"): Promise<DomainPlan> {
    const disk = `${this.dir}/disk.raw`;
    if (kind === "disk") Deno.writeTextFileSync(disk, "precious");
    return Promise.resolve(this.planOf({
      boot: { kernel: SCRIPT, cmdline: kind },
      disks: kind === "disk" ? [{ path: disk, format: "raw" }] : [],
    }));
  }

  /** A plan of any spec. */
  readonly planOf = (spec: Record<string, unknown>): DomainPlan => ({
    uid: newId(),
    name: `web-${++this.#count}.lab.ann`,
    generation: this.#count,
    incarnation: newId(),
    spec: VmSpec.parse({ driver: "xen", memoryMiB: 128, ...spec }),
  });

  guestUp(): Promise<void> {
    return Promise.resolve();
  }

  /** Does something to the host past the driver; what it printed. */
  async host(...args: string[]): Promise<string> {
    const { stdout } = await new Deno.Command(this.xl, {
      args,
      stderr: "null",
    }).output();
    return new TextDecoder().decode(stdout);
  }

  /** Breaks the host, or mends it. */
  break(
    how: "silent" | "warns" | "newer" | "full" | "small" | "late" | "lost",
    isBroken = true,
  ): void {
    const path = `${this.dir}/host/${how}`;
    if (isBroken) Deno.writeTextFileSync(path, "");
    else Deno.removeSync(path);
  }

  /** Whether the host has that file. */
  has(file: string): boolean {
    return fileIdentity(`${this.dir}/host/${file}`) !== null;
  }

  /** What xl and the carrier said of a move of `uid` here. */
  async moveLog(uid: string): Promise<string> {
    return await Deno.readTextFile(`${this.dir}/state/moves/${uid}/log`);
  }

  /** The flags that Xen shows of a domain. */
  async stateInXen(uid: string): Promise<string> {
    const line = (await this.host("list", "-v")).split("\n")
      .find((its) => its.includes(uuidOfUid(uid))) ?? "";
    return / ([-rbpscd]{6}) /.exec(line)?.[1] ?? "gone";
  }

  /** The domid of a domain. */
  async domid(uid: string): Promise<string> {
    const line = (await this.host("list", "-v")).split("\n")
      .find((its) => its.includes(uuidOfUid(uid))) ?? "";
    return /^\S+ +(\d+)/.exec(line)?.[1] ?? "none";
  }

  /** Ends the monitor of a domain, or what creates it. */
  killMonitor(uid: string): void {
    const monitors = findMonitors(uid);
    ok(monitors.length > 0, "it has no monitor");
    for (const { pid } of monitors) Deno.kill(pid, "SIGKILL");
  }

  /** Holds the console of a domain past the driver. */
  async holdConsole(
    uid: string,
    env: Record<string, string> = {},
  ): Promise<Disposable & { readonly pid: number }> {
    const domid = await this.domid(uid);
    const child = new Deno.Command(this.xl, {
      args: ["console", domid],
      env,
      stdin: "piped",
      stdout: "null",
    }).spawn();
    const { pid } = child;
    await until(
      "it is held",
      () => readArguments(pid)[0]?.endsWith("/xenconsole"),
      this,
    );
    let isOver = false;
    void child.status.then(() => isOver = true);
    void child.stdin.close();
    return {
      pid,
      [Symbol.dispose]() {
        if (!isOver) child.kill("SIGKILL");
      },
    };
  }

  /** Has a monitor watch over a domain that nobody of usher's has started. */
  async watchByHand(domid: string, name: string): Promise<void> {
    const config = `${this.dir}/host/domains/${domid}/config`;
    const kept = `${this.dir}/by-hand.cfg`;
    await Deno.copyFile(config, kept);
    const { success } = await new Deno.Command("bash", {
      args: [
        "-c",
        'setsid bash "$0" monitor "$1" "$2" </dev/null >>"$3" 2>&1 &',
        ...[this.xl, domid, kept, `${this.dir}/host/log/xl-${name}.log`],
      ],
    }).output();
    ok(success);
  }

  /** Checks that nothing is left that would create a domain anew. */
  checkNoMonitor(uid: string): void {
    deepStrictEqual(findMonitors(uid), []);
  }

  /** What tells the driver of news; null when there is nothing. */
  teller(): number | null {
    const bell = `${this.dir}/host/bell`;
    return listPids().find((pid) => {
      const [program = "", ...args] = readArguments(pid);
      return program.endsWith("tail") && args.includes(bell);
    }) ?? null;
  }

  /** Ends what tells the driver of news, as a restart of the xenstore does. */
  async killTeller(): Promise<void> {
    Deno.kill(
      await until("there is a teller", () => this.teller(), this),
      "SIGKILL",
    );
  }

  async occupants(): Promise<string[]> {
    return (await this.host("list", "-v")).split("\n")
      .filter((line) => line.includes(" web-") || line.startsWith("web-"))
      .flatMap((line) => {
        const uuid = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(line);
        return uuid === null ? [] : [uidOfUuid(uuid[0])];
      });
  }

  async leftovers(uid: string): Promise<string[]> {
    const found = await new Deno.Command("find", {
      args: [this.dir, "-name", `*${uid}*`],
    }).output();
    const marker = await new Deno.Command("find", {
      args: [this.dir, "-name", `*${uuidOfUid(uid)}*`],
    }).output();
    const decoder = new TextDecoder();
    return (decoder.decode(found.stdout) + decoder.decode(marker.stdout))
      .split("\n").filter((line) => line !== "");
  }

  async crashGuest(uid: string): Promise<void> {
    await this.host("end", await this.domid(uid), "3");
  }

  async shutDownGuest(uid: string): Promise<void> {
    await this.host("end", await this.domid(uid), "0");
  }

  async loseHandle(uid: string): Promise<void> {
    await Deno.remove(`${this.dir}/state/handles/${uid}.json`);
  }

  async plantForeign(name = "stranger"): Promise<string> {
    const config = `${this.dir}/stranger.cfg`;
    await Deno.writeTextFile(
      config,
      `name = "${name}"\nuuid = "${crypto.randomUUID()}"\n`,
    );
    await this.host("create", "-q", config);
    return name;
  }

  freeze(): Promise<void> {
    throw new Error("Xen has no process for a domain");
  }

  async peer(): Promise<DriverHarness> {
    return this.#peer ??= await FakeXenNode.open();
  }

  async startInDyingLnm(plan: DomainPlan): Promise<void> {
    await this.driver[Symbol.asyncDispose]();
    await startInDyingLnm({
      driver: "xen",
      config: this.#config,
      stateDir: `${this.dir}/state`,
      runDir: `${this.dir}/run`,
      plan,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#peer?.[Symbol.asyncDispose]();
    await this.driver[Symbol.asyncDispose]();
    // Its monitors end when their host is gone.
    await Deno.remove(this.dir, { recursive: true });
  }

  async #openDriver(): Promise<Driver> {
    this.driver = await openXenDriver(
      {
        node: "n1",
        stateDir: `${this.dir}/state`,
        runDir: `${this.dir}/run`,
        peers: this.#peers,
        log: (level, message, fields) =>
          this.logged.push(`${level} ${message} ${JSON.stringify(fields)}`),
      },
      this.#config,
      `${this.dir}/host/log`,
    );
    return this.driver;
  }
}
