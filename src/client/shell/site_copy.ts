/**
 * What the shell knows of the site without asking: the names of its VMs,
 * nodes and operations with their states, and what is worth a word to a person.
 *
 * Pure: frames of the change stream go in, lines to print come out. A VM is
 * told of when its state or its node changes, an operation when it fails; what
 * a command of this shell is waiting for it tells itself.
 *
 * @module
 */
import type { NodeView, VmView } from "../../schema/change.ts";
import type { ClusterView } from "../../schema/cluster.ts";
import type { Operation } from "../../schema/operation.ts";
import { printable } from "../render/table.ts";
import type { Change } from "../watch.ts";

/** Whose changes are told. */
export type Told = "own" | "all" | "none";

/** What decides whether and how a change is told. */
export interface Telling {
  readonly told: Told;
  /** Say all that is known of what failed. */
  readonly details: boolean;
  readonly user: string | null;
  /** Whether a command of this shell waits for the request. */
  isWaitedFor(request: string): boolean;
}

interface KnownVm {
  readonly state: string;
  readonly node: string | null;
}

/** Copies of what the controller shows this user. */
export class SiteCopy {
  readonly vms = new Map<string, KnownVm>();
  readonly nodes = new Map<string, string>();
  /** Whole names. */
  readonly clusters = new Set<string>();
  readonly operations = new Map<string, Operation>();
  /** Whether the snapshot is whole: before that, nothing is told. */
  isComplete = false;

  /** Takes a change in; answers the line that tells it, or null. */
  take(change: Change, telling: Telling): string | null {
    switch (change.type) {
      case "hello":
        return null;
      case "synced":
        this.isComplete = true;
        return null;
      case "snapshot":
        this.#put(change.kind, change.value, "", telling);
        return null;
      case "put":
        return this.#line(
          change.at,
          this.#put(change.kind, change.value, change.note, telling),
        );
      case "delete":
        return this.#line(change.at, this.#delete(change, telling));
    }
  }

  /** Forgets all; a snapshot comes. */
  clear(): void {
    this.vms.clear();
    this.nodes.clear();
    this.clusters.clear();
    this.operations.clear();
    this.isComplete = false;
  }

  #line(at: string, text: string | null): string | null {
    if (text === null || !this.isComplete) return null;
    const [first = "", ...more] = text.split("\n");
    return [`-- ${timeOf(at)} ${first}`, ...more.map((it) => `   ${it}`)]
      .map(printable).join("\n");
  }

  #put(
    kind: string,
    value: unknown,
    note: string,
    telling: Telling,
  ): string | null {
    if (kind === "vm") return this.#putVm(value as VmView, note, telling);
    if (kind === "node") return this.#putNode(value as NodeView, note, telling);
    if (kind === "cluster") this.clusters.add((value as ClusterView).name);
    if (kind !== "operation") return null;
    return this.#putOperation(value as Operation, telling);
  }

  #putVm(vm: VmView, note: string, telling: Telling): string | null {
    const { name, status, node } = vm;
    const known = this.vms.get(name);
    this.vms.set(name, { state: status.state, node });
    const isSame = known?.state === status.state && known.node === node;
    // A VM that was only made, or is about to go, is told of by what follows.
    const isAbsent = status.state === "absent";
    if (isSame || isAbsent || !this.#isTold(name, telling)) return null;
    const where = node === null ? "" : ` on ${node}`;
    const reason = note.replace(new RegExp(`^${status.state}(: |$)`), "");
    const why = reason === "" ? "" : ` (${reason})`;
    return `${name} ${status.state}${where}${why}`;
  }

  #putNode(
    { name, state }: NodeView,
    note: string,
    { told }: Telling,
  ): string | null {
    const known = this.nodes.get(name);
    this.nodes.set(name, state);
    if (known === state || told !== "all") return null;
    return `node ${name} ${state}${note === "" ? "" : ` (${note})`}`;
  }

  #putOperation(operation: Operation, telling: Telling): string | null {
    const { id, state, vm, verb, request, problem } = operation;
    if (state === "pending" || state === "running" || state === "cancelling") {
      this.operations.set(id, operation);
      return null;
    }
    this.operations.delete(id);
    if (state !== "failed" || telling.isWaitedFor(request)) return null;
    if (!isOf(vm, telling)) return null;
    const first = `${verb} of ${vm} failed: ${
      problem?.detail ?? "no reason given"
    }`;
    if (!telling.details) return first;
    return [
      first,
      `operation ${id}, asked for by ${operation.user}`,
      ...(problem === null ? [] : [
        `code ${problem.code}, retry ${problem.retry}, outcome ${problem.outcome}`,
        ...(problem.hint === undefined ? [] : [`try: ${problem.hint}`]),
      ]),
      ...operation.trail.map(({ at, source, text }) =>
        `${timeOf(at)} ${source}: ${text}`
      ),
    ].join("\n");
  }

  #delete(
    { kind, name, id }: Extract<Change, { type: "delete" }>,
    telling: Telling,
  ): string | null {
    if (kind === "node") this.nodes.delete(name);
    if (kind === "cluster") this.clusters.delete(name);
    if (kind === "operation") this.operations.delete(id);
    if (kind !== "vm") return null;
    this.vms.delete(name);
    return this.#isTold(name, telling) ? `${name} is gone` : null;
  }

  #isTold(name: string, telling: Telling): boolean {
    if (!isOf(name, telling)) return false;
    for (const { vm, request } of this.operations.values()) {
      if (vm === name && telling.isWaitedFor(request)) return false;
    }
    return true;
  }
}

/** Whether the VM of that name is one that is told of. */
function isOf(name: string, { told, user }: Telling): boolean {
  if (told !== "own") return told === "all";
  return user !== null && name.endsWith(`.${user}`);
}

/** The time of day, where this person is. */
function timeOf(at: string): string {
  const date = new Date(at);
  const two = (number: number) => String(number).padStart(2, "0");
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two)
    .join(":");
}
