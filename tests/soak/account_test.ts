/**
 * The account of a soak sees each thing that it is there to see.
 *
 * @module
 */
import { match, strictEqual } from "node:assert/strict";
import type { VmView } from "../../src/schema/change.ts";
import { faultOf, type Looked } from "./account.ts";
import type { Fleet } from "./plan.ts";

const FLEETS: readonly Fleet[] = [
  { driver: "sim", names: ["sim-1"], nodes: ["s1", "s2"] },
  { driver: "qemu", names: ["qemu-1"], nodes: ["q1", "q2"] },
];

interface World {
  readonly state?: string;
  /** The name of one more that was found. */
  readonly found?: string;
  readonly holder?: string | null;
  /** QEMUs of the VM, by node. */
  readonly guests?: Readonly<Record<string, number>>;
  /** Nodes on which the simulated VM is up. */
  readonly up?: readonly string[];
}

/** One VM of each driver, on s1 and on q1, that runs unless it is otherwise. */
async function faultIn(
  { state = "running", found, holder = null, guests, up }: World,
): Promise<string> {
  const dir = await Deno.makeTempDir({ prefix: "usher_account_" });
  try {
    for (const node of ["s1", "s2"]) {
      await Deno.mkdir(`${dir}/${node}/sim`, { recursive: true });
      const put = { domain: "sim-u1", uid: "u1" };
      const isUp = (up ?? ["s1"]).includes(node);
      await Deno.writeTextFile(
        `${dir}/${node}/sim/domains.ndjson`,
        isUp ? `${JSON.stringify({ put })}\n` : "",
      );
    }
    const marker = { uid: "u2", name: "qemu-1.default.admin" };
    const site = {
      dir,
      guests: (node: string) =>
        Array.from(
          { length: (guests ?? { q1: 1 })[node] ?? 0 },
          (_, i) => ({ id: { pid: i + 1, startTicks: 1 }, marker }),
        ),
    } as unknown as Looked;
    const vms = FLEETS.map(({ driver, nodes: [node] }, i) => ({
      ...{ uid: `u${i + 1}`, name: `${driver}-1.default.admin`, node },
      ...{ spec: { driver }, status: { state, reason: "" }, holder },
    })) as unknown as VmView[];
    const stray = { name: found, found: true } as unknown as VmView;
    const all = found === undefined ? vms : [...vms, stray];
    return faultOf(site, all, FLEETS) ?? "none";
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("faultOf() finds nothing where records, journals and processes agree", async () => {
  strictEqual(await faultIn({}), "none");
  strictEqual(await faultIn({ state: "stopped", guests: {}, up: [] }), "none");
});

Deno.test("faultOf() finds what is doubled", async () => {
  match(await faultIn({ guests: { q1: 2 } }), /^Doubled: qemu-1.* two QEMUs/);
  match(await faultIn({ guests: { q1: 1, q2: 1 } }), /^Doubled: qemu-1/);
  match(await faultIn({ guests: { q2: 1 } }), /^Doubled: QEMU 1 on q2/);
  match(await faultIn({ up: ["s1", "s2"] }), /^Doubled: sim-u1 is up on s1/);
  match(await faultIn({ state: "stopped" }), /^Doubled: QEMU 1.* have off$/);
});

Deno.test("faultOf() finds what is lost", async () => {
  match(await faultIn({ guests: {} }), /^Lost: qemu-1.* has no QEMU/);
  match(await faultIn({ up: [] }), /^Lost: sim-1.* has no domain/);
  match(
    await faultIn({ found: "qemu-1-default-admin.q1.found" }),
    /^Lost: qemu-1-default-admin.q1.found was ours/,
  );
  strictEqual(await faultIn({ found: "qemu-24500.q1.found" }), "none");
});

Deno.test("faultOf() finds what is stuck", async () => {
  match(await faultIn({ state: "unknown" }), /^Stuck: sim-1.* is unknown/);
  match(await faultIn({ state: "migrating" }), /^Stuck: sim-1/);
  match(await faultIn({ holder: "01abc" }), /^Stuck: sim-1.* held by 01abc/);
});
