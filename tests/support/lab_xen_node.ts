/**
 * A node with the xen driver on real Xen, for one test: it runs in a dom0 of
 * the lab, on the guest that `scripts/xen_lab/boot_guest.S` is.
 *
 * Nothing in here needs the repository: all of it is bundled into one file,
 * which is what a dom0 gets (`xen_suite.ts`).
 *
 * @module
 */
import { spawn } from "node:child_process";
import { uidOfUuid, uuidOfUid } from "../../src/driver/identity.ts";
import type { DomainPlan, Driver } from "../../src/driver/driver.ts";
import { createDriver } from "../../src/driver/registry.ts";
import { VmSpec } from "../../src/schema/vm.ts";
import { newId } from "../../src/sys/id.ts";
import type { DriverHarness, PlanKind } from "../conformance/driver/harness.ts";
import { until } from "./wait.ts";

const KERNEL = "/srv/guest/boot_guest";
const XL = "/usr/sbin/xl";
const STORE_TOOLS = ["read", "write", "rm", "watch", "list", "ls", "exists"];

/** What boot_guest.S takes for the wishes of a person at its keyboard. */
const CRASH = "\\003";
const SWITCH_OFF = "\\004";

/** Of an LNM that is killed once its domain runs: `DYING PLAN`, given to the program. */
export const DYING = "--dying";

/** What a dying LNM is to do. */
interface DyingLnm {
  readonly config: unknown;
  readonly stateDir: string;
  readonly runDir: string;
  readonly plan: DomainPlan;
}

/** The node. */
export class LabXenNode implements DriverHarness {
  // Emulated twice, on a machine that others use.
  readonly deadlineMs = 240_000;
  readonly refusalWords = /no loader found: Invalid kernel/;
  readonly foreignStays = false;
  readonly dir = Deno.makeTempDirSync({ dir: "/var/lib", prefix: "ux" });
  readonly #tools = `${this.dir}/tools`;
  readonly #config: Record<string, unknown>;
  #foreign: string[] = [];
  driver!: Driver;
  #count = 0;

  private constructor() {
    Deno.mkdirSync(this.#tools);
    for (const tool of STORE_TOOLS) {
      const name = `xenstore-${tool}`;
      Deno.symlinkSync(`/usr/bin/${name}`, `${this.#tools}/${name}`);
    }
    this.#config = { xl: `${this.#tools}/xl`, bridges: ["xenbr*"] };
    this.#useScript("");
  }

  static async open(): Promise<LabXenNode> {
    const node = new LabXenNode();
    await node.#openDriver();
    return node;
  }

  async reopen(): Promise<Driver> {
    await this.driver[Symbol.asyncDispose]();
    return await this.#openDriver();
  }

  async #openDriver(): Promise<Driver> {
    const [stateDir, runDir] = [`${this.dir}/state`, `${this.dir}/run`];
    this.driver = await createDriver(
      "xen",
      { node: "n1", stateDir, runDir, log() {} },
      this.#config,
    );
    return this.driver;
  }

  plan(kind: PlanKind = "ordinary"): Promise<DomainPlan> {
    if (kind === "slow") this.#useScript("sleep 2");
    if (kind === "hanging") this.#useScript("exec sleep 3600");
    const disk = `${this.dir}/${++this.#count}.raw`;
    if (kind === "disk") {
      Deno.writeTextFileSync(disk, "precious");
      Deno.truncateSync(disk, 1 << 20);
    }
    const kernel = kind === "broken" ? "/etc/passwd" : KERNEL;
    const cmdline = kind === "deaf" ? "deaf" : "busy";
    return Promise.resolve(this.planOf({
      boot: { kernel, cmdline },
      disks: kind === "disk" ? [{ path: disk, format: "raw" }] : [],
    }));
  }

  /** A plan of any spec. */
  planOf(spec: Record<string, unknown>): DomainPlan {
    return {
      uid: newId(),
      name: `web-${++this.#count}.lab.ann`,
      generation: this.#count,
      incarnation: newId(),
      spec: VmSpec.parse({ driver: "xen", memoryMiB: 16, ...spec }),
    };
  }

  async guestUp(uid: string): Promise<void> {
    await until("the guest speaks", async () => {
      const bytes = await this.driver.console!.history(uid, 100_000);
      return new TextDecoder().decode(bytes).includes("boot-guest speaks");
    }, this);
  }

  async occupants(): Promise<string[]> {
    return (await this.#rows()).flatMap(({ uuid }) =>
      this.#foreign.includes(uuid) ? [] : [uidOfUuid(uuid)]
    );
  }

  /** The domains that are there but dom0, whoever made them. */
  async #rows(): Promise<{ domid: string; uuid: string }[]> {
    const text = await output(XL, ["list", "-v"]);
    return text.split("\n").flatMap((line) => {
      const [, domid = "", uuid = ""] =
        /^\S+ +([1-9]\d*) .* ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) /
          .exec(line) ?? [];
      return uuid === "" ? [] : [{ domid, uuid }];
    });
  }

  async leftovers(uid: string): Promise<string[]> {
    const files = await output("find", [this.dir, "-name", `*${uid}*`]);
    const kept = await output("xenstore-ls", ["-f"]);
    return `${files}${kept}`.split("\n")
      .filter((line) => line.includes(uid) || line.includes(uuidOfUid(uid)))
      .filter((line) => !line.startsWith("/local/domain/0/backend"));
  }

  crashGuest(uid: string): Promise<void> {
    return this.#type(uid, CRASH);
  }

  shutDownGuest(uid: string): Promise<void> {
    return this.#type(uid, SWITCH_OFF);
  }

  async #type(uid: string, key: string): Promise<void> {
    const row = (await this.#rows()).find(({ uuid }) =>
      uuid === uuidOfUid(uid)
    );
    if (row === undefined) throw new Error(`Xen has no domain of ${uid}`);
    const path = `/local/domain/${row.domid}/console/tty`;
    await output("bash", [
      "-c",
      `printf '${key}' >"$(xenstore-read ${path})"`,
    ]);
  }

  async loseHandle(uid: string): Promise<void> {
    await Deno.remove(`${this.dir}/state/handles/${uid}.json`);
  }

  async plantForeign(name = `stranger-${newId()}`): Promise<string> {
    await this.createByHand(name);
    return name;
  }

  /** Creates a domain with the toolstack alone. */
  async createByHand(name: string): Promise<void> {
    const uuid = crypto.randomUUID();
    const config = `${this.dir}/${name}.cfg`;
    await Deno.writeTextFile(
      config,
      `name = "${name}"\nuuid = "${uuid}"\ntype = "pvh"\n` +
        `kernel = "${KERNEL}"\nmemory = 16\nvcpus = 1\n`,
    );
    this.#foreign.push(uuid);
    await output(XL, ["create", "-q", config]);
  }

  /** Destroys a domain with the toolstack alone. */
  async destroyByHand(name: string): Promise<void> {
    await output(XL, ["destroy", name]);
  }

  /** Lists domains with the toolstack alone. */
  async listByHand(): Promise<void> {
    await output(XL, ["list", "-v"]);
  }

  /** Memory that Xen can give to domains. */
  async freeMiB(): Promise<number> {
    return Number(await output(XL, ["info", "free_memory"]));
  }

  freeze(): Promise<void> {
    throw new Error("Xen has no process for a domain");
  }

  peer(): Promise<DriverHarness> {
    throw new Error("another dom0 is another host");
  }

  /** `dying_lnm.ts` stands outside; in here this program itself is the LNM. */
  async startInDyingLnm(plan: DomainPlan): Promise<void> {
    await this.driver[Symbol.asyncDispose]();
    const lnm: DyingLnm = {
      config: this.#config,
      stateDir: `${this.dir}/state`,
      runDir: `${this.dir}/run`,
      plan,
    };
    const args = ["run", "-A", Deno.mainModule, DYING, JSON.stringify(lnm)];
    const child = spawn(Deno.execPath(), args, {
      detached: true,
      stdio: ["ignore", "ignore", "inherit"],
    });
    const ended = Promise.withResolvers<string | null>();
    child.once("close", (_code, signal) => ended.resolve(signal));
    const signal = await ended.promise;
    if (signal !== "SIGKILL") throw new Error("The dying LNM failed");
  }

  /** Does `first` before each `xl create`. */
  #useScript(first: string): void {
    Deno.writeTextFileSync(
      `${this.#tools}/xl`,
      `#!/bin/sh\nif [ "$1" = create ]; then :; ${first}\nfi\nexec ${XL} "$@"\n`,
      { mode: 0o755 },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.driver[Symbol.asyncDispose]();
    for (const { domid } of await this.#rows()) {
      // It may be gone by itself.
      await output(XL, ["destroy", domid]).catch(() => {});
    }
    await until(
      "no domain is left",
      async () => (await this.#rows()).length === 0,
      this,
    );
    await Deno.remove(this.dir, { recursive: true });
  }
}

/** Starts the domain of `lnm` and is killed, as the kernel does when it is short of memory. */
export async function die(text: string): Promise<void> {
  const lnm: DyingLnm = JSON.parse(text);
  const context = { ...lnm, node: "n1", log() {} };
  const driver = await createDriver("xen", context, lnm.config);
  await driver.start(lnm.plan, new AbortController().signal);
  Deno.kill(-Deno.pid, "SIGKILL");
}

/** What a program prints; throws what it says when it fails. */
async function output(program: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Error(`${program} ${args.join(" ")}: ${decoder.decode(stderr)}`);
}
