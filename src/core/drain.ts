/**
 * What a drain does next, decided from what is there: no list is kept, so a
 * controller that was killed goes on from the records alone.
 *
 * Every VM whose record names the node must leave, on or off, since whoever
 * drains a machine wants to take it away. Each is tried once; what cannot
 * leave is named at the end, and running the drain again tries the rest.
 *
 * @module
 */
import { toProblem, UsherError } from "../error/mod.ts";
import type { NodeState } from "../schema/node.ts";
import type { NodeOperation } from "../schema/node_operation.ts";
import type { Operation } from "../schema/operation.ts";
import type { ErrorCode, Problem } from "../schema/problem.ts";
import type { Vm } from "../schema/vm.ts";
import { isFinal } from "./operation_machine.ts";

/** What a drain is decided on. */
export interface DrainPicture {
  readonly operation: NodeOperation;
  /** Undefined when the node's record is gone. */
  readonly nodeState: NodeState | undefined;
  /** VMs whose record names the node. */
  readonly here: readonly Vm[];
  /** The operations that it is made of. */
  readonly children: readonly Operation[];
  /** Now, ISO 8601. */
  readonly at: string;
}

/** What is next: the record as it should be, and the VMs that may be sent away. */
export interface DrainMove {
  readonly operation: NodeOperation;
  /** In the order in which they are tried; empty when it has ended. */
  readonly candidates: readonly Vm[];
  /** So many of them may begin now. */
  readonly free: number;
}

/** The next move of a drain. */
export function nextOfDrain(picture: DrainPicture): DrainMove {
  const { operation, nodeState, here, children } = picture;
  const tried = lastOf(children);
  const running = children.filter(({ state }) => !isFinal(state)).length;
  const candidates = here.filter((vm) => !tried.has(vm.uid) && !vm.found);
  const counted = count(operation, here, tried);
  const nothing = { candidates: [], free: 0 };
  const isGone = nodeState === undefined || nodeState === "lost" ||
    nodeState === "dead";
  const stops = isGone || operation.state === "cancelling" ||
    candidates.length === 0;
  if (!stops) {
    const free = Math.max(0, operation.options.parallel - running);
    return { operation: counted, candidates, free };
  }
  if (running > 0) return { operation: counted, ...nothing };
  return { operation: endOf(counted, picture, tried, isGone), ...nothing };
}

/** A VM is tried so often at most when every node was out of reach meanwhile. */
const MAX_TRIES = 3;

/** The last operation of each VM that was tried; what came to nothing does not count. */
function lastOf(children: readonly Operation[]): Map<string, Operation> {
  const tries = new Map<string, number>();
  const tried = new Map<string, Operation>();
  for (const child of children) {
    const count = (tries.get(child.uid) ?? 0) + 1;
    tries.set(child.uid, count);
    if (foundNobody(child) && count < MAX_TRIES) tried.delete(child.uid);
    else tried.set(child.uid, child);
  }
  return tried;
}

/** Whether a migration ended because no node could be reached just then. */
function foundNobody({ problem }: Operation): boolean {
  const { refusedBy = [] } = problem ?? {};
  return refusedBy.length > 0 &&
    refusedBy.every(({ filter }) => filter === "reach");
}

function count(
  operation: NodeOperation,
  here: readonly Vm[],
  tried: ReadonlyMap<string, Operation>,
): NodeOperation {
  const left = new Set(here.map(({ uid }) => uid));
  let moved = 0;
  let failed = 0;
  for (const { uid, state } of tried.values()) {
    if (!isFinal(state)) continue;
    if (left.has(uid)) failed++;
    else moved++;
  }
  const gone = [...tried.keys()].filter((uid) => !left.has(uid)).length;
  return { ...operation, moved, failed, total: here.length + gone };
}

function endOf(
  operation: NodeOperation,
  { here, at }: DrainPicture,
  tried: ReadonlyMap<string, Operation>,
  isGone: boolean,
): NodeOperation {
  const ended = { ...operation, endedAt: at };
  if (operation.state === "cancelling") {
    const problem = toProblem(
      new UsherError(
        "cancelled",
        `Drain of node "${operation.node}" was cancelled: ${told(operation)}`,
        {
          hint: `it takes no VMs until "usher node undrain ${operation.node}"`,
          subject: operation.node,
        },
      ),
    );
    return { ...ended, state: "cancelled", problem };
  }
  if (here.length === 0) return { ...ended, state: "succeeded" };
  const problem = isGone
    ? outOfReach(operation)
    : leftOver(operation, here, tried);
  return { ...ended, state: "failed", problem: toProblem(problem) };
}

/** How far it has come, for people. */
export function told({ moved, failed, total }: NodeOperation): string {
  const failures = failed === 0 ? "" : `, ${failed} failed`;
  return `${moved} of ${total} VMs moved${failures}`;
}

function outOfReach(operation: NodeOperation): UsherError {
  return new UsherError(
    "unavailable",
    `Cannot drain node "${operation.node}": it is out of reach; ${
      told(operation)
    }`,
    {
      hint:
        `if it is down for good, "usher node declare-dead ${operation.node}" lets its VMs start elsewhere`,
      subject: operation.node,
    },
  );
}

/** VMs that are named with why they are still there. */
const MAX_NAMED = 5;

function leftOver(
  operation: NodeOperation,
  here: readonly Vm[],
  tried: ReadonlyMap<string, Operation>,
): UsherError {
  const reasons = here.map((vm) => reasonOf(vm, tried.get(vm.uid)));
  const codes = new Set(reasons.map(({ code }) => code));
  const [only = "unsupported"] = codes;
  const named = here.slice(0, MAX_NAMED)
    .map(({ name }, i) => `${name}: ${reasons[i]?.why}`).join("; ");
  const more = here.length > MAX_NAMED
    ? `; and ${here.length - MAX_NAMED} more`
    : "";
  return new UsherError(
    codes.size === 1 ? only : "wrong_state",
    `Cannot drain node "${operation.node}": ${here.length} of ${operation.total} VMs are still on it`,
    {
      hint:
        `${named}${more}; usher op list parent=${operation.id} shows each, and draining again tries them again`,
      subject: operation.node,
    },
  );
}

function reasonOf(
  { found }: Vm,
  child: Operation | undefined,
): { readonly code: ErrorCode; readonly why: string } {
  const problem: Problem | null = child?.problem ?? null;
  if (found) {
    return {
      code: "unsupported",
      why: "usher did not make it, and lets it be",
    };
  }
  if (problem === null) return { code: "wrong_state", why: "it came back" };
  const { code, detail, hint } = problem;
  const why = detail.replace(/^Cannot [^:]*?(?=: |$)(?:: )?/, "") || detail;
  return {
    code,
    why: code === "insufficient_resources" && hint !== undefined
      ? `no node fits (${hint})`
      : why,
  };
}

/** A drain that is asked to stop; null when it has ended already. */
export function cancelledDrain(
  operation: NodeOperation,
  at: string,
  why: string,
): NodeOperation | null {
  if (isFinal(operation.state)) return null;
  const said = { at, source: "controller", text: `cancelled: ${why}` };
  return {
    ...operation,
    state: "cancelling",
    trail: [...operation.trail, said],
  };
}
