/**
 * A controller killed at any instant, whatever it does: before and after each
 * of its commits, and before and after each frame to and from a node.
 *
 * The next controller goes on or undoes, the client that asked gets its
 * answer, and no VM is in a state that its verb did not ask for. Its user may
 * have that one VM and no more: what was admitted before a death is never
 * refused after it, and what is given up is counted no more. The moments are
 * counted, so every one of them is tried, for every verb.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { domainOf } from "../../src/driver/sim/domain.ts";
import type { Operation } from "../../src/schema/operation.ts";
import type { VmRequestInput } from "../../src/schema/request.ts";
import type { Vm } from "../../src/schema/vm.ts";
import { CrashingSite, type Death } from "../support/crashing_site.ts";
import { until } from "../support/wait.ts";

/** Verbs of several steps, or with something to lose. */
const TWICE: readonly string[] = ["start", "cycle", "destroy", "migrate"];

/** More than any operation here has; one that has more never ends. */
const MOST = 40;

const NODES = ["n1", "n2"] as const;

/** What one VM takes while it is on, and not a bit more. */
const QUOTAS = { user: { vms: 1, vcpus: 1 } };

/** What is asked of a VM, how it was before, and how it is afterwards. */
interface Case {
  readonly verb: VmRequestInput["verb"];
  /** Verbs that bring it there. */
  readonly before: readonly VmRequestInput["verb"][];
  /** Null when it is known no more. */
  readonly after: string | null;
  /** Whether it is a new run of the VM. */
  readonly isNewRun?: boolean;
  /** Whether it is on another node afterwards. */
  readonly moves?: boolean;
  /** How the simulated guest misbehaves. */
  readonly sim?: Readonly<Record<string, unknown>>;
  /** The code that it fails with; it succeeds when absent. */
  readonly fails?: string;
  /** A shutdown that its guest ignores holds the VM. */
  readonly held?: boolean;
}

/** What else dies with the controller. */
type Victims = "controller" | "controller and nodes";

/** A VM before the case: its run, and where it is. */
type Before = Pick<Vm, "node"> & { readonly run: string | null };

const CASES: readonly Case[] = [
  { verb: "register", before: [], after: "absent" },
  { verb: "start", before: [], after: "running", isNewRun: true },
  {
    verb: "start",
    before: ["start", "poweroff"],
    after: "running",
    isNewRun: true,
  },
  { verb: "shutdown", before: ["start"], after: "stopped" },
  { verb: "poweroff", before: ["start"], after: "stopped" },
  { verb: "pause", before: ["start"], after: "paused" },
  { verb: "resume", before: ["start", "pause"], after: "running" },
  { verb: "cycle", before: ["start"], after: "running", isNewRun: true },
  { verb: "reboot", before: ["start"], after: "running", isNewRun: true },
  { verb: "unregister", before: ["start", "poweroff"], after: null },
  { verb: "destroy", before: ["start"], after: null },
  {
    verb: "start",
    before: [],
    after: null,
    sim: { startError: "no" },
    fails: "driver_failed",
  },
  {
    verb: "poweroff",
    before: ["start"],
    after: "stopped",
    sim: { ignoreShutdown: true },
    held: true,
  },
  {
    verb: "destroy",
    before: ["start"],
    after: null,
    sim: { ignoreShutdown: true },
    held: true,
  },
  { verb: "migrate", before: ["start"], after: "running", moves: true },
  { verb: "migrate", before: ["start", "pause"], after: "paused", moves: true },
  {
    verb: "migrate",
    before: ["start", "poweroff"],
    after: "stopped",
    moves: true,
  },
];

function request(
  verb: VmRequestInput["verb"],
  id: string,
  sim: Case["sim"] = {},
): VmRequestInput & { id: string } {
  const spec = verb === "start" ? { spec: { sim } } : {};
  return { id, verb, names: ["web"], ...spec } as VmRequestInput & {
    id: string;
  };
}

/** Brings a VM to where the case begins. */
async function prepare(
  site: CrashingSite,
  { before, sim, held }: Case,
): Promise<Before> {
  for (const [i, verb] of before.entries()) {
    const { state } = await site.run(request(verb, `before-${i}`, sim));
    strictEqual(state, "succeeded");
  }
  if (held === true) {
    const graceMs = 600_000;
    const names = ["web"];
    await site.submit({ id: "held-by-it", verb: "shutdown", names, graceMs });
  }
  const vm = site.vm("web");
  return { run: vm?.status.incarnation ?? null, node: vm?.node ?? null };
}

/**
 * Asks, and asks the next controller again whenever one dies: the first at
 * `deaths[0]`, the next, counted from its start, at `deaths[1]`. Answers how
 * many died.
 */
async function askDying(
  site: CrashingSite,
  { verb, sim }: Case,
  [first, ...others]: readonly [Death, ...Death[]],
  victims: Victims,
): Promise<number> {
  site.arm(first);
  for (let died = 0;; died++) {
    const asked = site.submit(request(verb, "asked-for", sim))
      .then(() => site.ended("asked-for"));
    asked.catch(() => {}); // that of a dead controller, which never answers
    const isDead = await Promise.race([
      site.died.then(() => true),
      asked.then(() => false),
    ]);
    if (!isDead) {
      site.arm(null);
      return died;
    }
    if (victims === "controller and nodes") {
      for (const node of NODES) await site.killNode(node);
      for (const node of NODES) site.startNode(node);
    }
    await reviveDying(site, others[died] ?? null);
  }
}

/** The next controller; and the one after it, when it died before it served. */
async function reviveDying(
  site: CrashingSite,
  death: Death | null,
): Promise<void> {
  const revived = site.revive(death);
  revived.catch(() => {}); // it died
  const isDead = await Promise.race([
    site.died.then(() => true),
    revived.then(() => false),
  ]);
  if (isDead) await site.revive();
}

/** The record says what the hypervisors do, and that is what was asked for. */
async function assertDone(
  site: CrashingSite,
  { after, isNewRun, moves, fails }: Case,
  { id, state, problem }: Operation,
  before: Before,
): Promise<void> {
  deepStrictEqual(
    [state, problem?.code],
    fails === undefined ? ["succeeded", undefined] : ["failed", fails],
  );
  await site.untilReady();
  await until(
    "copies that are left over are gone",
    () =>
      domainsOf(site).length === (after === null || after === "absent" ? 0 : 1),
  );
  const vm = site.vm("web");
  assertTaken(site, after);
  if (after === null) return strictEqual(vm, undefined);
  const { uid, node, status } = vm!;
  strictEqual(status.state, after);
  strictEqual(status.incarnation, isNewRun === true ? id : before.run);
  if (before.node !== null) strictEqual(node !== before.node, moves === true);
  deepStrictEqual(
    domainsOf(site),
    after === "absent" ? [] : [[node, domainOf(uid), after]],
  );
  strictEqual(site.engine.runner.holderOf(uid), null);
}

/** What is counted against quotas is what there is. */
function assertTaken(site: CrashingSite, after: string | null): void {
  const { holdings } = site.engine.records.capacity;
  const isOn = after === "running" || after === "paused";
  const { vms, vcpus } = holdings.taken("ann");
  deepStrictEqual([vms, vcpus], [after === null ? 0 : 1, isOn ? 1 : 0]);
  deepStrictEqual(holdings.taken("default.ann"), holdings.taken("ann"));
  // A cluster stays without its VMs, and is there with them.
  if (after === null) return;
  ok(site.engine.records.clusters.get("default.ann") !== undefined);
}

/** Every domain of every node: the node, its name there, and its phase. */
function domainsOf(site: CrashingSite): [string, string, string][] {
  return NODES.flatMap((node) =>
    site.hypervisor(node).all().map((
      { domain, phase },
    ): [string, string, string] => [node, domain, phase])
  );
}

/** One case with these deaths; answers how many controllers died. */
async function dieAt(
  its: Case,
  deaths: readonly [Death, ...Death[]],
  victims: Victims,
): Promise<number> {
  await using site = await CrashingSite.start(NODES.length, undefined, {
    quotas: QUOTAS,
  });
  const before = await prepare(site, its);
  const died = await askDying(site, its, deaths, victims);
  try {
    await assertDone(site, its, await site.ended("asked-for"), before);
    await destroy(site);
  } catch (error) {
    const where = deaths.map(({ at, nth, after }) =>
      `${after ? "after" : "at"} ${at} ${nth}`
    );
    throw new Error(`The ${victims} died ${where.join(", then ")}`, {
      cause: error,
    });
  }
  return died;
}

/** Lets the controller die everywhere; answers how many moments there were. */
async function dieEverywhere(
  its: Case,
  at: Death["at"],
  victims: Victims,
): Promise<number> {
  for (let nth = 1; nth <= MOST; nth++) {
    for (const after of [false, true]) {
      const died = await dieAt(its, [{ at, nth, after }], victims);
      if (died === 0) return nth - 1;
    }
  }
  throw new Error(`There were more than ${MOST} moments`);
}

/** Lets a controller die after each commit, and the next one everywhere. */
async function dieTwice(its: Case): Promise<void> {
  const after = true;
  for (let nth = 1, died = 2; nth <= MOST && died > 0; nth++) {
    for (let again = 1; again <= MOST; again++) {
      const first: Death = { at: "commit", nth, after };
      const second: Death = { at: "commit", nth: again, after };
      died = await dieAt(its, [first, second], "controller");
      if (died < 2) break;
    }
  }
}

/** Whatever there is can be taken away, and leaves nothing behind. */
async function destroy(site: CrashingSite): Promise<void> {
  if (site.vm("web") === undefined) return;
  strictEqual(
    (await site.run(request("destroy", "taken-away"))).state,
    "succeeded",
  );
  deepStrictEqual(site.hypervisor("n1").all(), []);
  await until("nothing is left", () => site.vm("web") === undefined);
}

for (const its of CASES) {
  const { verb, before, fails, held } = its;
  const what = [
    verb,
    ...(before.length === 0 ? [] : ["after", ...before]),
    ...(fails === undefined ? [] : ["that fails"]),
    ...(held === true ? ["over a shutdown that is ignored"] : []),
  ];
  for (const victims of ["controller", "controller and nodes"] as const) {
    Deno.test(`${what.join(" ")}: ${victims} killed at any commit and any frame`, async () => {
      ok(await dieEverywhere(its, "commit", victims) > 0);
      const down = await dieEverywhere(its, "down", victims);
      const up = await dieEverywhere(its, "up", victims);
      ok(verb === "register" || (down > 0 && up > 0));
    });
  }
}

for (
  const its of CASES.filter(({ verb, fails, held }) =>
    TWICE.includes(verb) && fails === undefined && held !== true
  )
) {
  const { verb, before } = its;
  Deno.test(`${[verb, "after", ...before].join(" ")}: a controller killed after any commit, and the next one too`, async () => {
    await dieTwice(its);
  });
}
