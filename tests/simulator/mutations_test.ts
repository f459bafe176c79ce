/**
 * The checker can fail: each way of breaking a site on purpose is caught, by
 * the invariant that it breaks.
 *
 * @module
 */
import { match, strictEqual } from "node:assert/strict";
import type { SimDomain } from "../../src/driver/sim/domain_record.ts";
import type { Machine } from "../../src/simulator/machine.ts";
import { planOf } from "../../src/simulator/plan.ts";
import { type Mutation, runPlan } from "../../src/simulator/run.ts";
import type { Invariant } from "../../src/simulator/violation.ts";
import type { World } from "../../src/simulator/world.ts";

const never = new AbortController().signal;
const OPTIONS = { seed: 7, nodes: 3, vms: 15, hours: 0.3, faults: [] };

/** When a mutation acts: most VMs run by then. */
const LATER_MS = 900_000;

/** Every domain that runs, with its machine. */
function* running(
  { machines }: World,
): Generator<readonly [Machine, SimDomain]> {
  for (const machine of machines) {
    for (const domain of machine.hypervisor?.all() ?? []) {
      if (domain.phase === "running") yield [machine, domain];
    }
  }
}

function first(world: World): readonly [Machine, SimDomain] {
  const [found] = running(world);
  if (found === undefined) throw new Error("Nothing runs");
  return found;
}

/** A domain that runs, and that nobody has lately asked to end. */
function unasked(world: World): readonly [Machine, SimDomain] {
  const now = world.director.now();
  for (const found of running(world)) {
    const [{ name: node }, { uid, handle }] = found;
    const incarnation = handle?.incarnation ?? null;
    const run = {
      uid: uid ?? "",
      node,
      incarnation,
      isMoving: false,
      isOwed: false,
    };
    if (!world.ledger.accountsFor(run, now)) return found;
  }
  throw new Error("Every domain has been asked to stop");
}

const MUTATIONS: readonly {
  readonly name: string;
  readonly breaks: Invariant;
  readonly text: RegExp;
  readonly act: (world: World) => void;
}[] = [
  {
    name: "a second domain of a VM",
    breaks: "two running",
    text: /runs twice/,
    act: (world) => {
      const [machine, domain] = first(world);
      const other = world.machines.find((one) => one !== machine);
      other?.hypervisor?.put(domain);
    },
  },
  {
    name: "a domain that ends because of nothing",
    breaks: "no cause",
    text: /ended without a cause: guest shut down/,
    act: (world) => {
      const [machine, { domain }] = unasked(world);
      machine.hypervisor?.shutDownFromInside(domain);
    },
  },
  {
    name: "a domain that vanishes",
    breaks: "no cause",
    text: /ended without a cause: it is gone/,
    act: (world) => {
      const [machine, { domain }] = unasked(world);
      machine.hypervisor?.remove(domain);
    },
  },
  {
    name: "more domains than a node has room for",
    breaks: "capacity",
    text: /carries \d+ MiB of/,
    act: (world) => {
      const [machine, domain] = first(world);
      machine.hypervisor?.put({
        ...domain,
        domain: "sim-large",
        uid: "01kdvdp9ra6dzhzc2cq99p9z8h",
        memoryMiB: machine.capacity.memoryMiB,
      });
    },
  },
  {
    name: "a disk that promises writes and forgets them",
    breaks: "rebuilt",
    text: /in memory and .* on disk|in memory, \d+ on disk/,
    act: ({ disk }) => void (disk.forgets = true),
  },
  {
    name: "a record that contradicts another",
    breaks: "state",
    text: /generation/,
    act: ({ controller }) => {
      const { records } = controller.engine!;
      const [vm] = records.vms.values();
      const value = { ...vm!, generation: 0 };
      void records.write([{ kind: "vm", key: value.uid, value }]);
    },
  },
  {
    name: "a node that is never heard again",
    breaks: "ends",
    text: /node n1 is lost/,
    act: (world) => world.machine("n1").route.block(["up", "down"]),
  },
  {
    name: "a controller that is stuck",
    breaks: "ends",
    text: /is still|the controller does not serve|node n\d is/,
    act: ({ machines, controller }) => {
      controller.process?.stop(Number.MAX_SAFE_INTEGER);
      for (const { route } of machines) route.block(["up"]);
      controller.kill();
    },
  },
  {
    name: "a controller that does not believe its nodes",
    breaks: "truth",
    text: /by the records, and \w+ there/,
    act: (world) => {
      const { domains } = world.controller.engine!;
      domains.report = () => Promise.resolve();
      for (const [machine, { domain }] of [...running(world)]) {
        const crash = () => machine.hypervisor?.crash(domain);
        world.domains.excuse(machine, domain, crash);
      }
    },
  },
  {
    name: "a change that watchers are not told of",
    breaks: "converges",
    text: /has revision/,
    act: ({ controller }) => {
      const { changes } = controller.engine!;
      const after = changes.after.bind(changes);
      changes.after = (revision, limit) =>
        after(revision, limit)?.filter(({ change }) => change.kind !== "vm") ??
          null;
    },
  },
];

for (const { name, breaks, text, act } of MUTATIONS) {
  Deno.test(`simulator: ${name} breaks "${breaks}"`, async () => {
    const mutate: Mutation = (world) => {
      world.director.after(LATER_MS, () => act(world));
    };
    const { violation, history } = await runPlan(
      OPTIONS,
      planOf(OPTIONS),
      never,
      mutate,
    );
    strictEqual(violation?.invariant, breaks, violation?.text);
    match(violation.text, text);
    match(history, /broken {2}/);
  });
}

Deno.test("simulator: without a mutation nothing breaks", async () => {
  const { violation } = await runPlan(OPTIONS, planOf(OPTIONS), never);
  strictEqual(violation, null);
});
