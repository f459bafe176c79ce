/**
 * A node with the libvirt driver for one test, on a libvirtd that all tests of
 * a file share, since domains of one are strangers to the other.
 *
 * Its guests are the boot sectors of `qemu_node.ts`.
 *
 * @module
 */
import type {
  DomainPlan,
  DomainReport,
  Driver,
} from "../../src/driver/driver.ts";
import { uidOfUuid, uuidOfUid } from "../../src/driver/identity.ts";
import { type Layout, layOut } from "../../src/driver/libvirt/layout.ts";
import { openLibvirtDriver } from "../../src/driver/libvirt/mod.ts";
import { VmSpec } from "../../src/schema/vm.ts";
import { newId } from "../../src/sys/id.ts";
import type { DriverHarness, PlanKind } from "../conformance/driver/harness.ts";
import { startInDyingLnm } from "./dying_lnm.ts";
import { say, untilPrinted } from "./guest_line.ts";
import { LibvirtMachine, whyNoLibvirt } from "./libvirt_machine.ts";
import { testPeers } from "./peer_keys.ts";
import { GUEST, whyNoQemu } from "./qemu_node.ts";

/** What a test may set. */
export interface LibvirtNodeOptions {
  readonly config?: Record<string, unknown>;
  /** Uids of a node whose domains may come here. */
  readonly uids?: Set<string>;
}

/** Declares a test on a node of its own. */
export function libvirtTest(
  name: string,
  fn: (node: LibvirtNode) => Promise<void>,
  options: LibvirtNodeOptions = {},
): void {
  Deno.test({
    name: `libvirt: ${name}`,
    ignore: (whyNoLibvirt() ?? whyNoQemu()) !== undefined,
    async fn() {
      await using node = await LibvirtNode.open(await sharedMachine(), options);
      await fn(node);
    },
  });
}

export class LibvirtNode implements DriverHarness {
  // A busy machine emulates a boot at a fiftieth of its usual speed.
  readonly deadlineMs = 240_000;
  readonly refusalWords = /not in qcow2 format/;
  readonly foreignStays = true;
  readonly machine: LibvirtMachine;
  readonly dir = Deno.makeTempDirSync({ prefix: "uvn" });
  readonly layout: Layout;
  readonly #config: Record<string, unknown>;
  /** Uids that are this test's. */
  readonly #uids: Set<string>;
  // The suite calls every peer so, and a certificate is for one name.
  readonly #peers = testPeers(`${this.dir}/keys`, "peer");
  #peer: { machine: LibvirtMachine; other: LibvirtNode } | null = null;
  readonly #foreign: string[] = [];
  #count = 0;
  driver!: Driver;

  private constructor(
    machine: LibvirtMachine,
    { config = {}, uids = new Set() }: LibvirtNodeOptions,
  ) {
    this.machine = machine;
    this.#uids = uids;
    this.layout = layOut(`${this.dir}/state`, `${this.dir}/run`);
    this.#config = {
      uri: machine.uri,
      accel: "tcg",
      verb_timeout: `${this.deadlineMs}ms`,
      ...config,
    };
  }

  static async open(
    machine: LibvirtMachine,
    options: LibvirtNodeOptions = {},
  ): Promise<LibvirtNode> {
    const node = new LibvirtNode(machine, options);
    await node.#openDriver();
    return node;
  }

  async reopen(): Promise<Driver> {
    await this.driver[Symbol.asyncDispose]();
    return await this.#openDriver();
  }

  async plan(kind: PlanKind = "ordinary"): Promise<DomainPlan> {
    const image = kind === "deaf" ? "deaf.raw" : "boot.raw";
    const path = `${this.dir}/${++this.#count}.raw`;
    await Deno.copyFile(`${GUEST}/${image}`, path);
    // A raw file is no qcow2 image, which only QEMU itself finds out.
    const format = kind === "broken" ? "qcow2" : "raw";
    // Both nodes see the files of this machine, and may read one at once.
    const shared = this.#peer !== null;
    const plan = this.planOf({
      disks: [{ path, format, shared, readonly: shared }],
    });
    if (kind === "slow") await this.#hook(plan, "sleep 1");
    if (kind === "hanging") await this.#hook(plan, "exec sleep 1000");
    return plan;
  }

  /** A plan of any spec. */
  planOf(spec: Record<string, unknown>): DomainPlan {
    const uid = newId();
    this.#uids.add(uid);
    return {
      uid,
      name: `web-${uid.slice(-8)}.lab.ann`,
      generation: ++this.#count,
      incarnation: newId(),
      spec: VmSpec.parse({ driver: "libvirt", memoryMiB: 32, ...spec }),
    };
  }

  async guestUp(uid: string): Promise<void> {
    await this.untilPrinted(uid, "usher-boot-sector speaks");
  }

  /** Waits until the serial line has said `text`. */
  untilPrinted(uid: string, text: string): Promise<void> {
    return untilPrinted(this, uid, text);
  }

  /** Types a line at the micro guest's prompt and waits for `answer`. */
  say(uid: string, line: string, answer: string): Promise<void> {
    return say(this, uid, line, answer);
  }

  async occupants(): Promise<string[]> {
    const found: string[] = [];
    for (const uid of this.#uids) {
      const uuid = await this.#uuidOf(uid);
      found.push(...this.machine.pidsOf(uuid).map(() => uid));
    }
    return found;
  }

  /** An adopted domain keeps its UUID, which stands in its handle. */
  async #uuidOf(uid: string): Promise<string> {
    const text = await Deno.readTextFile(this.layout.files(uid).handle)
      .catch(() => "{}");
    return JSON.parse(text).uuid ?? uuidOfUid(uid);
  }

  async leftovers(uid: string): Promise<string[]> {
    const { runDir, handles, overlays, logs, definitions, moves } = this.layout;
    const found: string[] = [];
    for (
      const folder of [runDir, handles, overlays, logs, definitions, moves]
    ) {
      for await (const { name } of Deno.readDir(folder)) {
        if (name.startsWith(uid)) found.push(name);
      }
    }
    const listed = await this.machine.virsh("list", "--all", "--uuid");
    if (listed.includes(uuidOfUid(uid))) found.push("a domain of libvirt's");
    return found;
  }

  /** The pid of a running domain. */
  pidOf(uid: string): number {
    const [pid] = this.machine.pidsOf(uuidOfUid(uid));
    if (pid === undefined) throw new Error(`no process of ${uid}`);
    return pid;
  }

  crashGuest(uid: string): Promise<void> {
    return Promise.resolve(Deno.kill(this.pidOf(uid), "SIGKILL"));
  }

  async shutDownGuest(uid: string): Promise<void> {
    await this.machine.virsh("shutdown", uuidOfUid(uid));
  }

  async loseHandle(uid: string): Promise<void> {
    await Deno.remove(this.layout.files(uid).handle);
  }

  /** Runs virsh past the driver on a domain of ours. */
  async byHand(
    command: string,
    uid: string,
    ...more: string[]
  ): Promise<void> {
    await this.machine.virsh(command, uuidOfUid(uid), ...more);
  }

  /** Has libvirt run a domain of somebody else's, with `more` in its definition; its name. */
  async plantForeign(
    name = `stranger-${newId()}`,
    more: ForeignParts = {},
  ): Promise<string> {
    const path = `${this.dir}/${name}.xml`;
    await Deno.writeTextFile(path, foreignXml(name, more));
    await this.machine.virsh("define", path);
    this.#foreign.push(name);
    await this.machine.virsh("start", name);
    return name;
  }

  freeze(uid: string): Promise<void> {
    return Promise.resolve(Deno.kill(this.pidOf(uid), "SIGSTOP"));
  }

  /** A node on a libvirtd of its own, which sees the same files. */
  async peer(): Promise<LibvirtNode> {
    const machine = await LibvirtMachine.open();
    const other = await LibvirtNode.open(machine, { uids: this.#uids });
    this.#peer = { machine, other };
    return other;
  }

  async startInDyingLnm(plan: DomainPlan): Promise<void> {
    await this.driver[Symbol.asyncDispose]();
    await startInDyingLnm({
      driver: "libvirt",
      config: this.#config,
      stateDir: this.layout.home,
      runDir: `${this.dir}/run`,
      plan,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#peer?.other[Symbol.asyncDispose]();
    await this.#peer?.machine[Symbol.asyncDispose]();
    await this.driver[Symbol.asyncDispose]();
    const listed = await this.machine.virsh("list", "--all", "--uuid");
    for (const uuid of listed.match(/[0-9a-f-]{36}/g) ?? []) {
      if (this.#uids.has(uidOfUuid(uuid))) await this.#removeDomain(uuid);
    }
    for (const name of this.#foreign) await this.#removeDomain(name);
    await this.machine.hook("");
    if (Deno.env.get("USHER_KEEP") === "1") return;
    await Deno.remove(this.dir, { recursive: true });
  }

  async #removeDomain(name: string): Promise<void> {
    for (const pid of this.machine.pidsOf(name)) Deno.kill(pid, "SIGCONT");
    await this.machine.virsh("destroy", name).catch(() => {});
    const flags = ["--managed-save", "--snapshots-metadata"];
    await this.machine.virsh("undefine", name, ...flags).catch(() => {});
  }

  /** Shell that runs before QEMU does for `plan`. */
  async #hook({ uid }: DomainPlan, shell: string): Promise<void> {
    await this.machine.hook(
      `case "$*" in *${uuidOfUid(uid)}*) ${shell};; esac\n`,
    );
  }

  async #openDriver(): Promise<Driver> {
    const driver = await openLibvirtDriver(
      {
        node: "n1",
        stateDir: this.layout.home,
        runDir: `${this.dir}/run`,
        peers: this.#peers,
        log(level, message, fields) {
          if (Deno.env.get("USHER_TEST_LOG") === "1") {
            console.error(level, message, fields);
          }
        },
      },
      this.#config,
    );
    // A test that failed may have left domains, which are others' here.
    const list = driver.list.bind(driver);
    driver.list = async (signal) =>
      (await list(signal)).filter((report) => this.#isOfThisTest(report));
    this.driver = driver;
    return driver;
  }

  #isOfThisTest({ uid, name }: DomainReport): boolean {
    return uid !== null || this.#foreign.includes(name);
  }
}

/** What a domain of others may have beside what each has. */
export interface ForeignParts {
  /** A raw image that it boots from. */
  readonly disk?: string;
  /** What becomes of it when its guest panics. */
  readonly onCrash?: "preserve" | "destroy";
}

/** A domain that needs nothing. */
export function foreignXml(
  name: string,
  { disk, onCrash = "destroy" }: ForeignParts = {},
): string {
  const disks = disk === undefined ? "" : `<disk type="file" device="disk">
    <driver name="qemu" type="raw"/>
    <source file="${disk}"/><target dev="vda" bus="virtio"/>
  </disk>`;
  return `<domain type="qemu">
  <name>${name}</name>
  <memory unit="MiB">16</memory>
  <os><type arch="x86_64" machine="pc">hvm</type></os>
  <on_crash>${onCrash}</on_crash>
  <devices>
    ${disks}<memballoon model="none"/><panic model="isa"/>
  </devices>
</domain>
`;
}

let opening: Promise<LibvirtMachine> | null = null;
let opened: LibvirtMachine | null = null;

/** The libvirtd that the tests of this process share; it ends with them. */
export function sharedMachine(): Promise<LibvirtMachine> {
  opening ??= LibvirtMachine.open().then((machine) => opened = machine);
  return opening;
}

addEventListener("unload", () => opened?.endNow());
