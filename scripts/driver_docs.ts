/**
 * Writes the table of docs/drivers.md from what the drivers report of
 * themselves, so that it cannot say anything else of what each can do; the
 * prose around it is nobody's but its writer's. A test fails when the table is
 * not what this makes.
 *
 *   deno run -A scripts/driver_docs.ts
 *
 * @module
 */
import type { Driver, DriverContext, Peers } from "../src/driver/driver.ts";
import { createDriver, drivers } from "../src/driver/registry.ts";
import { abilitiesOf } from "../src/lnm/driver_set.ts";
import { DRIVER_NAMES } from "../src/schema/known_driver.ts";
import type { DriverOffers } from "../src/schema/node.ts";
import { ROOT } from "./support.ts";

/** The page, from the repository's root. */
export const DRIVER_PAGE = "docs/drivers.md";

const BEGIN = "<!-- made by scripts/driver_docs.ts -->";
const END = "<!-- end of what is made -->";

const OFFERS: Readonly<Record<keyof DriverOffers, string>> = {
  boot: "boots from",
  disks: "disks",
  nics: "nics",
  moves: "moves (`migration`)",
};

const ABILITIES: Readonly<Record<string, string>> = {
  pausing: "pauses (`pausing`)",
  console: "has a console (`console`)",
  guarding: "pauses guests of a lost node (`guarding`)",
  adoption: "adopts domains of others (`adoption`)",
};

/** `page` with the table in the place of the one that it has. */
export async function driverPage(page: string): Promise<string> {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) {
    throw new Error(`${DRIVER_PAGE} has no place for the table`);
  }
  const table = await driverTable();
  return `${page.slice(0, from)}${BEGIN}\n\n${table}\n\n${page.slice(to)}`;
}

async function driverTable(): Promise<string> {
  const dir = await Deno.makeTempDir({ prefix: "ud" });
  try {
    const all: Driver[] = [];
    for (const name of DRIVER_NAMES) {
      // One that is not built yet has no column.
      if (Object.hasOwn(drivers, name)) {
        all.push(await createDriver(name, contextIn(`${dir}/${name}`), {}));
      }
    }
    const table = tableOf(all);
    for (const driver of all) await driver[Symbol.asyncDispose]();
    return table;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function tableOf(all: readonly Driver[]): string {
  const rows = [
    ...Object.entries(OFFERS).map(([key, about]) => [
      about,
      ...all.map((driver) => offered(driver, key as keyof DriverOffers)),
    ]),
    ...Object.entries(ABILITIES).map(([ability, about]) => [
      about,
      ...all.map((driver) =>
        abilitiesOf(driver).includes(ability) ? "yes" : "–"
      ),
    ]),
  ];
  const names = all.map(({ name }) => `\`${name}\``);
  return [["", ...names], names.map(() => "---").concat("---"), ...rows]
    .map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function offered(driver: Driver, key: keyof DriverOffers): string {
  if (key === "moves" && driver.migration === undefined) return "–";
  return driver.offers?.[key].join(", ") || "–";
}

/** A node without a hypervisor: what a driver can do does not depend on one. */
function contextIn(dir: string): DriverContext {
  const peers: Peers = {
    ports: { first: 1, last: 1 },
    address: () => Promise.reject(new Error("none")),
    credentials: () => Promise.reject(new Error("none")),
  };
  return {
    node: "n1",
    stateDir: `${dir}/state`,
    runDir: `${dir}/run`,
    peers,
    log() {},
  };
}

if (import.meta.main) {
  const path = ROOT + DRIVER_PAGE;
  const page = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, await driverPage(page));
}
