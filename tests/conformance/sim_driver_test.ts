/**
 * The driver suite over `sim`, twice: with domains that survive in the state
 * directory, and with a hypervisor that outlives its drivers in memory.
 *
 * @module
 */
import type { DomainPlan } from "../../src/driver/driver.ts";
import { domainOf, isUp } from "../../src/driver/sim/domain.ts";
import { SimHypervisor } from "../../src/driver/sim/hypervisor.ts";
import { createSimDriver, type SimDriver } from "../../src/driver/sim/mod.ts";
import { SimOptions, VmSpec } from "../../src/schema/vm.ts";
import { newId } from "../../src/sys/id.ts";
import { startInDyingLnm } from "../support/dying_lnm.ts";
import {
  driverConformance,
  type DriverHarness,
  type PlanKind,
} from "./driver.ts";

const KNOBS: Readonly<Record<PlanKind, Partial<SimOptions>>> = {
  ordinary: {},
  deaf: { ignoreShutdown: true },
  broken: { startError: "no such kernel" },
  slow: { bootMs: 1500 },
  hanging: { startHangs: true },
  disk: {},
};

/** Whether domains live in files or in a hypervisor that the test holds. */
type Kept = "in files" | "in memory";

class SimNode implements DriverHarness {
  readonly deadlineMs = 5000;
  readonly refusalWords = /no such kernel/;
  readonly foreignStays = true;
  driver!: SimDriver;
  readonly #kept: Kept;
  readonly #stateDir = Deno.makeTempDirSync({ prefix: "sim-" });
  #hypervisor: SimHypervisor | undefined;
  #peer: SimNode | undefined;
  #count = 0;

  constructor(kept: Kept) {
    this.#kept = kept;
  }

  async open(): Promise<SimDriver> {
    const stateDir = this.#stateDir;
    if (this.#kept === "in memory") {
      this.#hypervisor ??= await SimHypervisor.open();
    }
    this.driver = await createSimDriver(
      { stateDir, log() {} },
      this.#hypervisor === undefined ? {} : { hypervisor: this.#hypervisor },
    );
    return this.driver;
  }

  async reopen(): Promise<SimDriver> {
    await this.driver[Symbol.asyncDispose]();
    return await this.open();
  }

  async plan(kind: PlanKind = "ordinary"): Promise<DomainPlan> {
    const path = `${this.#stateDir}/disk.raw`;
    if (kind === "disk") await Deno.writeTextFile(path, "precious");
    const disks = kind === "disk" ? [{ path }] : [];
    return {
      uid: newId(),
      name: `web-${++this.#count}.lab.ann`,
      generation: this.#count,
      incarnation: newId(),
      spec: VmSpec.parse({ driver: "sim", disks, sim: KNOBS[kind] }),
    };
  }

  guestUp(): Promise<void> {
    return Promise.resolve();
  }

  async occupants(): Promise<string[]> {
    return await this.#look((node) => {
      return node.all().filter((domain) => domain.uid !== null && isUp(domain))
        .map(({ uid }) => uid!);
    });
  }

  async leftovers(uid: string): Promise<string[]> {
    return await this.#look((node) => {
      return node.all().filter((domain) => domain.uid === uid).map((
        { domain },
      ) => domain);
    });
  }

  async crashGuest(uid: string): Promise<void> {
    await this.#touch((node) => node.crash(domainOf(uid)));
  }

  async shutDownGuest(uid: string): Promise<void> {
    await this.#touch((node) => node.shutDownFromInside(domainOf(uid)));
  }

  async loseHandle(uid: string): Promise<void> {
    await this.#touch((node) => node.loseHandle(domainOf(uid)));
  }

  async plantForeign(name = "stranger"): Promise<string> {
    await this.#touch((node) => node.plant({ name, state: "running" }));
    return name;
  }

  async peer(): Promise<SimNode> {
    return this.#peer ??= await openNode(this.#kept);
  }

  freeze(): Promise<void> {
    throw new Error("sim has no process");
  }

  async startInDyingLnm(plan: DomainPlan): Promise<void> {
    await this.driver[Symbol.asyncDispose]();
    await startInDyingLnm({
      driver: "sim",
      stateDir: this.#stateDir,
      runDir: this.#stateDir,
      plan,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#peer?.[Symbol.asyncDispose]();
    await this.driver[Symbol.asyncDispose]();
    this.#hypervisor?.[Symbol.dispose]();
    await Deno.remove(this.#stateDir, { recursive: true });
  }

  /** Looks at the node past the driver: at its files, or at its hypervisor. */
  async #look<T>(look: (node: SimHypervisor) => T): Promise<T> {
    if (this.#hypervisor !== undefined) return look(this.#hypervisor);
    const copy = await Deno.makeTempDir({ prefix: "sim-look-" });
    try {
      await Deno.copyFile(
        `${this.#stateDir}/domains.ndjson`,
        `${copy}/domains.ndjson`,
      );
      using node = await SimHypervisor.open({ stateDir: copy });
      return look(node);
    } finally {
      await Deno.remove(copy, { recursive: true });
    }
  }

  /** Does something to the node, whether or not a driver is there. */
  async #touch(act: (node: SimHypervisor) => void): Promise<void> {
    if (!this.driver.closed) return act(this.driver.hypervisor);
    if (this.#hypervisor !== undefined) return act(this.#hypervisor);
    using node = await SimHypervisor.open({ stateDir: this.#stateDir });
    act(node);
  }
}

async function openNode(kept: Kept): Promise<SimNode> {
  const node = new SimNode(kept);
  await node.open();
  return node;
}

const cannot = {
  freeze: "sim has no process",
  files: "sim opens no file that a spec names",
};

driverConformance("sim in files:", () => openNode("in files"), { cannot });
driverConformance("sim in memory:", () => openNode("in memory"), {
  cannot: { ...cannot, dyingLnm: "memory dies with its process" },
});
