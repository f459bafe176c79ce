/**
 * Resident memory of a controller and an LNM, beside a compiled program that
 * does nothing.
 *
 * @module
 */
import { RolesSite } from "../../tests/support/roles_site.ts";
import { rssMiB } from "../../tests/support/role.ts";
import { EXECUTABLE, helloWorld } from "./command.ts";
import { beside, median, type Row } from "./row.ts";

const SITES = 7;

/** RSS idle and with 1,000 VMs. */
export async function benchMemory(): Promise<Row[]> {
  const floor = median(
    await Promise.all(
      Array.from({ length: SITES }, helloRss),
    ),
  );
  const all = new Map<string, number[]>();
  const take = async (site: RolesSite, when: string) => {
    for (
      const [name, role] of [["ctrl", site.ctrl], ["lnm", site.lnm]] as const
    ) {
      const key = `RSS of usher ${name}, ${when}`;
      all.set(key, [...all.get(key) ?? [], await role.rssMiB()]);
    }
  };
  for (let i = 0; i < SITES; i++) {
    await using site = await RolesSite.start(EXECUTABLE, "sim");
    await take(site, "idle");
    await site.request({
      ...{ verb: "start", names: ["b"], count: 1000, spec: { memoryMiB: 16 } },
    });
    await take(site, "1,000 VMs");
  }
  return [...all].map(([name, values]) =>
    beside(
      { name, value: median(values), unit: "MiB" },
      "compiled hello world, waiting",
      floor,
    )
  );
}

async function helloRss(): Promise<number> {
  const child = new Deno.Command(await helloWorld(), {
    args: ["wait"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  try {
    await child.stdout.getReader().read();
    return await rssMiB(child.pid);
  } finally {
    await child.stdin.close();
    await child.status;
  }
}
