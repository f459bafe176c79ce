/**
 * One drain at work: look, send some VMs away, wait for news, look again.
 *
 * @module
 */
import { nextOfDrain } from "../../core/drain.ts";
import { isFinal } from "../../core/operation_machine.ts";
import { occupies } from "../../core/vm_machine.ts";
import { isUsherError, messageOf } from "../../error/mod.ts";
import type { NodeOperation } from "../../schema/node_operation.ts";
import type { Operation } from "../../schema/operation.ts";
import type { VmRequest } from "../../schema/request.ts";
import type { Vm } from "../../schema/vm.ts";
import { JoinedSignal } from "../../sys/joined_signal.ts";
import type { Caller } from "../auth/caller.ts";
import { isoNow } from "../context.ts";
import {
  childrenOf,
  type DrainParts,
  nodeOperationWrite,
  saturated,
  vmsOf,
} from "./drain_parts.ts";
import { durably } from "../operations/durably.ts";
import { targetFor } from "../operations/node_choice.ts";
import type { Change } from "../records/records.ts";

/** Looks again after so long without news, whatever was missed. */
const TICK_MS = 5000;

/** The ability that a driver needs where a VM with a domain goes. */
export const ABILITY = "migration";

/** Runs a drain to its end, or until `signal` aborts. */
export async function drainRun(
  parts: DrainParts,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  while (true) {
    signal.throwIfAborted();
    using news = new News(parts, id);
    const move = await look(parts, id, signal);
    if (move === null || isFinal(move.operation.state)) return;
    if (await sendSome(parts, move, signal) === 0) await news.wait(signal);
  }
}

type Look = ReturnType<typeof nextOfDrain>;

/** Decides what is next, and makes its counts or its end durable. */
async function look(
  { context, records }: DrainParts,
  id: string,
  signal: AbortSignal,
): Promise<Look | null> {
  return await durably<Look | null>(
    { context, records, stopped: signal },
    () => {
      const operation = records.nodeOperations.latest(id);
      if (operation === undefined || isFinal(operation.state)) {
        return { writes: [], result: null };
      }
      const move = nextOfDrain({
        operation,
        nodeState: records.nodes.latest(operation.node)?.state,
        here: vmsOf(records, operation.node),
        children: childrenOf(records, id),
        at: isoNow(context),
      });
      const isNews = isOther(operation, move.operation);
      return {
        writes: isNews ? [nodeOperationWrite(move.operation)] : [],
        result: move,
      };
    },
  );
}

function isOther(before: NodeOperation, after: NodeOperation): boolean {
  return before.state !== after.state || before.total !== after.total ||
    before.moved !== after.moved || before.failed !== after.failed;
}

/** Sends VMs away as far as there is leave to; answers how many. */
async function sendSome(
  parts: DrainParts,
  { operation, candidates, free }: Look,
  signal: AbortSignal,
): Promise<number> {
  const { context, runner } = parts;
  const idle = candidates.filter(({ uid }) => runner.isIdle(uid));
  const busy = candidates.filter(({ uid }) => !runner.isIdle(uid));
  let sent = 0;
  // Those that others hold go last: they wait for their turn meanwhile.
  for (const vm of [...idle, ...busy]) {
    if (sent >= free || signal.aborted) break;
    // Who names the target says with --parallel how many go there.
    const avoid = saturated(parts).filter((node) =>
      node !== operation.options.to
    );
    if (!mayGo(parts, operation, vm, avoid)) continue;
    try {
      await send(parts, operation, vm, avoid);
      sent++;
    } catch (error) {
      // Gone meanwhile: then it need not be moved.
      if (isUsherError(error, "not_found")) continue;
      context.log.warn(
        "a drain could not ask for a migration; it tries again",
        {
          drain: operation.id,
          vm: vm.name,
          error: messageOf(error),
        },
      );
      break;
    }
  }
  return sent;
}

/**
 * Whether a VM is sent now: when a node that is not busy can take it, or when
 * none can at all, which its operation then says. A node that is silent may be
 * the one; it comes back or is lost within its lease, so that is waited for.
 */
function mayGo(
  { records }: DrainParts,
  operation: NodeOperation,
  vm: Vm,
  avoid: readonly string[],
): boolean {
  const fits = (others: readonly string[]) => {
    try {
      targetFor(vm, records, {
        on: operation.options.to,
        exclude: [operation.node, ...others],
        abilities: vm.status.state === "absent" ? [] : [ABILITY],
      });
      return true;
    } catch (error) {
      if (isUsherError(error)) return false;
      throw error;
    }
  };
  if (fits(avoid)) return true;
  const mayComeBack = [...records.nodes.latestValues()].some(({ state }) =>
    state === "silent"
  );
  return !mayComeBack && !fits([]);
}

async function send(
  { requests, records }: DrainParts,
  { id, user, options }: NodeOperation,
  vm: Vm,
  avoid: readonly string[],
): Promise<void> {
  const { to, migrate } = options;
  const tries = childrenOf(records, id).filter(({ uid }) => uid === vm.uid);
  const request: VmRequest = {
    verb: "migrate",
    // The same after a crash: then it is not asked for twice.
    id: [id, vm.uid, ...tries.length === 0 ? [] : [tries.length]].join("-"),
    names: [vm.name],
    args: {},
    queue: true,
    ...(to === undefined ? {} : { to }),
    ...migrate,
  };
  const caller: Caller = { user, role: "admin", expiresAt: "", session: "" };
  await requests.submit(request, caller, { parent: id, avoid });
}

/** What of the records may matter to a drain, noticed from the moment it is made. */
class News implements Disposable {
  readonly #parts: DrainParts;
  readonly #heard = new AbortController();
  readonly #stop: () => void;

  constructor(parts: DrainParts, id: string) {
    this.#parts = parts;
    const node = parts.records.nodeOperations.latest(id)?.node;
    this.#stop = parts.records.subscribe((changes) => {
      if (changes.some((change) => matters(change, id, node))) {
        this.#heard.abort();
      }
    });
  }

  /** Waits for news, or for a tick; throws when `signal` aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    if (this.#heard.signal.aborted) return;
    using either = new JoinedSignal(signal, this.#heard.signal);
    const { clock } = this.#parts.context;
    await clock.sleep(TICK_MS, either.signal).catch(() => {});
    signal.throwIfAborted();
  }

  [Symbol.dispose](): void {
    this.#stop();
  }
}

/** An operation of any drain may have made room at a target. */
function matters(
  { kind, id, value }: Change,
  drain: string,
  node: string | undefined,
): boolean {
  switch (kind) {
    case "operation": {
      const operation = value as Operation | null;
      return operation === null || operation.parent !== null ||
        operation.node === node;
    }
    case "vm":
      return value === null || (value as Vm).node === node;
    case "node":
      return true;
    case "node-operation":
      return id === drain;
    case "cluster":
      return false;
  }
}

/** Whether the guest of a VM runs on while it moves. */
export function movesLive({ status }: Vm): boolean {
  return occupies(status.state);
}
