/**
 * Draining nodes: one durable operation that sends every VM of a node away, a
 * few at a time.
 *
 * The node takes no VMs from the moment that the drain is durable. Each VM
 * leaves by a `migrate` operation of its own, with the drain as its parent and
 * a request id made from both, so that a controller that was killed between
 * asking and noting asks for the same one again. Where VMs go placement
 * decides, which leaves out nodes that are drained; so two drains never send
 * VMs to each other. What is next `core/drain.ts` decides, from the records.
 *
 * @module
 */
import { cancelledDrain } from "../../core/drain.ts";
import { isFinal } from "../../core/operation_machine.ts";
import { messageOf, toProblem, UsherError } from "../../error/mod.ts";
import { MigrateOptions } from "../../schema/migrate.ts";
import type { Node } from "../../schema/node.ts";
import type {
  DrainPlan,
  DrainRequest,
  NodeOperation,
  UndrainAnswer,
} from "../../schema/node_operation.ts";
import { isoNow } from "../context.ts";
import {
  childrenOf,
  type DrainParts,
  nodeOperationWrite,
  vmsOf,
} from "./drain_parts.ts";
import { ABILITY, drainRun, movesLive } from "./drain_run.ts";
import { targetsFor } from "../operations/node_choice.ts";

/** Who asks, as a drain keeps it. */
interface Asker {
  readonly user: string;
}

/** The drains of the site. */
export class Drains {
  readonly #parts: DrainParts;
  readonly #runs = new Map<string, Promise<void>>();
  #signal: AbortSignal | null = null;

  constructor(parts: DrainParts) {
    this.#parts = parts;
  }

  /**
   * Begins to drain node `name`; the drain that is under way there when there
   * is one. Throws `not_found`, `wrong_state` for a node that is out of reach,
   * and `invalid_input` for a target that cannot be.
   */
  async begin(
    name: string,
    request: DrainRequest,
    { user }: Asker,
  ): Promise<NodeOperation> {
    const { records, context } = this.#parts;
    const node = this.#drainable(name, request.to);
    const open = this.openOf(name);
    if (open !== undefined) return open;
    const at = isoNow(context);
    const { parallel = this.#parts.limits().parallel, to, ...migrate } =
      request;
    const operation: NodeOperation = {
      v: 1,
      id: context.newId(),
      verb: "drain",
      node: name,
      user,
      state: "running",
      options: {
        parallel,
        ...(to === undefined ? {} : { to }),
        migrate: MigrateOptions.parse(migrate),
      },
      total: 0,
      moved: 0,
      failed: 0,
      problem: null,
      trail: [{ at, source: `user ${user}`, text: "asked for drain" }],
      createdAt: at,
      endedAt: null,
      revision: 0,
    };
    const total = vmsOf(records, name).length;
    // From the look at the node to here nothing is waited for: one at a time.
    await records.write([
      nodeOperationWrite({ ...operation, total }),
      {
        kind: "node",
        key: name,
        value: { ...node, draining: true },
        note: "draining",
      },
    ]);
    context.log.info("a node is drained", { node: name, user, vms: total });
    this.#run(operation.id);
    return records.nodeOperations.get(operation.id) ?? operation;
  }

  /** The drain of a node that has not ended. */
  openOf(node: string): NodeOperation | undefined {
    return [...this.#parts.records.nodeOperations.latestValues()].find((one) =>
      one.node === node && !isFinal(one.state)
    );
  }

  /** Asks a drain to stop: no more VMs leave, and those that can come back do. */
  async cancel(id: string, why: string): Promise<void> {
    const { records, requests, runner, context } = this.#parts;
    const known = records.nodeOperations.latest(id);
    const cancelled = known && cancelledDrain(known, isoNow(context), why);
    if (cancelled == null) return;
    await records.write([nodeOperationWrite(cancelled)]);
    // One that a plugin has not allowed yet must not begin any more.
    requests.deciding.giveUpParts(id, why);
    for (const child of childrenOf(records, id)) {
      if (isFinal(child.state)) continue;
      // One that is past its point of no return ends as it will.
      await runner.cancel(child.id, why).catch(() => {});
    }
  }

  /** Lets a node take VMs again, and stops its drain. */
  async undrain(name: string, { user }: Asker): Promise<UndrainAnswer> {
    const { records, nodes } = this.#parts;
    const node = records.nodes.latest(name);
    if (node === undefined) throw nodes.unknown(name);
    const drain = this.openOf(name) ?? null;
    if (node.draining) {
      await records.write([{
        kind: "node",
        key: name,
        value: { ...node, draining: false },
        note: "takes VMs again",
      }]);
    }
    if (drain !== null) await this.cancel(drain.id, `undrained by ${user}`);
    return {
      node: name,
      changed: node.draining,
      drain: drain?.id ?? null,
    };
  }

  /** Where each VM of a node would go now; nothing is done. */
  plan(name: string, { to }: DrainRequest): DrainPlan {
    const { records } = this.#parts;
    this.#drainable(name, to);
    const vms = vmsOf(records, name);
    const ours = vms.filter(({ found }) => !found);
    const targets = targetsFor(ours, records, {
      on: to,
      abilities: [ABILITY],
      exclude: [name],
      allLeave: true,
    });
    return {
      node: name,
      moves: ours.map((vm, i) => {
        const target = targets[i];
        const isNode = typeof target === "string";
        return {
          vm: vm.name,
          live: movesLive(vm),
          to: isNode ? target : null,
          problem: isNode ? null : toProblem(target),
        };
      }),
    };
  }

  /** Goes on with drains, also with those of an earlier controller, until `signal` aborts. */
  async keep(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    for (const { id, state } of this.#parts.records.nodeOperations.values()) {
      if (!isFinal(state)) this.#run(id);
    }
    await new Promise<void>((resolve) => {
      if (signal.aborted) return resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    await Promise.allSettled([...this.#runs.values()]);
  }

  #run(id: string): void {
    const signal = this.#signal;
    // Before `keep` nothing runs; it takes up what was begun meanwhile.
    if (signal === null || signal.aborted || this.#runs.has(id)) return;
    const run = drainRun(this.#parts, id, signal).catch((error) => {
      if (signal.aborted) return;
      this.#parts.context.log.error("a drain broke", {
        drain: id,
        error: messageOf(error),
      });
    }).finally(() => this.#runs.delete(id));
    this.#runs.set(id, run);
  }

  #drainable(name: string, to: string | undefined): Node {
    const { records, nodes } = this.#parts;
    const node = records.nodes.latest(name);
    if (node === undefined) throw nodes.unknown(name);
    if (node.state !== "ready") throw notReady(node);
    if (to === undefined) return node;
    const target = records.nodes.latest(to);
    if (target === undefined) throw nodes.unknown(to);
    if (to !== name && !target.draining) return node;
    throw new UsherError(
      "invalid_input",
      to === name
        ? `Cannot drain node "${name}" to itself`
        : `Cannot drain node "${name}" to "${to}": that one is drained too`,
      { field: "to", hint: "leave out --to, and placement chooses" },
    );
  }
}

function notReady({ name, state }: Node): UsherError {
  return new UsherError(
    "wrong_state",
    `Cannot drain node "${name}": it is ${state}, so nothing can be moved off it`,
    {
      hint: state === "dead"
        ? "its VMs may start elsewhere already"
        : `bring it back, or, if it is down for good, "usher node declare-dead ${name}" lets its VMs start elsewhere`,
      subject: name,
    },
  );
}
