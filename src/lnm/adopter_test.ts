/**
 * What a node adopts: what its configuration wants, once, and nothing else.
 *
 * @module
 */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import type { DomainReport } from "../driver/driver.ts";
import { SimHypervisor } from "../driver/sim/hypervisor.ts";
import { createSimDriver } from "../driver/sim/mod.ts";
import { LnmConfig } from "../schema/config.ts";
import { newId } from "../sys/id.ts";
import { silentLog } from "../sys/log.ts";
import { Adopter, wantedOf } from "./adopter.ts";

const never = new AbortController().signal;

/** A node with the domains `names`, none of them usher's. */
async function nodeWith(...names: string[]) {
  const hypervisor = await SimHypervisor.open();
  for (const name of names) hypervisor.plant({ name, state: "running" });
  const driver = await createSimDriver({ stateDir: "", log() {} }, {
    hypervisor,
  });
  const told: string[] = [];
  const log = {
    ...silentLog,
    warn: (text: string) => void told.push(text),
  };
  const uids = async () =>
    (await driver.list(never)).map(({ name, uid }) => [name, uid !== null]);
  return { driver, log, told, uids };
}

function adopter(patterns: string[], log = silentLog): Adopter {
  return new Adopter(new Map([["sim", patterns]]), newId, log);
}

Deno.test("Adopter adopts the domains that are wanted, each once, and leaves the others alone", async () => {
  const { driver, uids } = await nodeWith("web-1", "web-2", "db");
  const its = adopter(["web*"]);
  const look = async () => {
    const reports: DomainReport[] = [];
    for (const report of await driver.list(never)) {
      reports.push(await its.adopted(driver, report, never));
    }
    return reports;
  };
  const [first, again] = [await look(), await look()];
  deepStrictEqual(await uids(), [["web-1", true], ["web-2", true], [
    "db",
    false,
  ]]);
  deepStrictEqual(
    again.map(({ uid }) => uid),
    first.map(({ uid }) => uid),
  );
});

Deno.test("Adopter makes one domain of one that is come upon twice at once", async () => {
  const { driver } = await nodeWith("web");
  const its = adopter(["web"]);
  const [report] = await driver.list(never);
  const both = await Promise.all([
    its.adopted(driver, report!, never),
    its.adopted(driver, report!, never),
  ]);
  strictEqual(both[0]?.uid, both[1]?.uid);
});

Deno.test("Adopter leaves alone what cannot be adopted, and says so once", async () => {
  const { driver, log, told, uids } = await nodeWith("web");
  const its = adopter(["web"], log);
  const [report] = await driver.list(never);
  const bare = { ...driver, name: "sim", adoption: undefined };
  for (const _ of ["once", "twice"]) {
    const { uid } = await its.adopted(bare as never, report!, never);
    strictEqual(uid, null);
  }
  deepStrictEqual(told, ["cannot adopt a domain: it is left alone"]);
  deepStrictEqual(await uids(), [["web", false]]);
});

Deno.test("Adopter ends with its signal, and takes that for no refusal", async () => {
  const { driver, log, told } = await nodeWith("web");
  const [report] = await driver.list(never);
  const over = AbortSignal.abort(new Error("over"));
  await rejects(adopter(["web"], log).adopted(driver, report!, over), /over/);
  deepStrictEqual(told, []);
});

Deno.test("wantedOf() reads what each driver's part of lnm.yaml wants", () => {
  const config = LnmConfig.parse({
    drivers: { libvirt: { adopt: ["web*", "db"] }, sim: { adopt: ["old"] } },
  });
  deepStrictEqual([...wantedOf(config)], [
    ["libvirt", ["web*", "db"]],
    ["sim", ["old"]],
  ]);
});
