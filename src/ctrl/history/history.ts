/**
 * History for plugins: past states and usage, kept in memory from the start of
 * the controller on.
 *
 * States come from the change stream, usage from what nodes have told last,
 * looked at once a minute. What plugins want to keep for longer they write to
 * a database of their own.
 *
 * @module
 */
import type { Node } from "../../schema/node.ts";
import type { Vm } from "../../schema/vm.ts";
import type { CtrlContext } from "../context.ts";
import type { NodeLinks } from "../node_links.ts";
import type { Change, Records } from "../records.ts";
import { PastStates } from "./past_states.ts";
import { type Sample, UsageFrames } from "./usage_frames.ts";

/** How often usage is looked at. */
export const SAMPLE_MS = 60_000;

/** Nodes are few. */
const KEPT_NODE_STATES = 20_000;
const NODE_USAGE_BYTES = 12 * 1024 * 1024;

/** What history is made from. */
export interface HistoryParts {
  readonly context: CtrlContext;
  readonly records: Records;
  readonly links: NodeLinks;
}

/** What VMs and nodes were, and what they used. */
export class History {
  readonly vms = new PastStates();
  readonly nodes = new PastStates(KEPT_NODE_STATES);
  readonly vmUsage = new UsageFrames();
  readonly nodeUsage = new UsageFrames(NODE_USAGE_BYTES);
  readonly #parts: HistoryParts;

  constructor(parts: HistoryParts) {
    this.#parts = parts;
    const { records } = parts;
    for (const vm of records.vms.values()) this.#noteVm(vm, vm.status.since);
    for (const node of records.nodes.values()) this.#noteNode(node);
    records.subscribe((changes) => changes.forEach((one) => this.#note(one)));
  }

  /** Looks at what is used, once a minute until `signal` aborts. */
  async keep(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts.context;
    while (!signal.aborted) {
      await clock.sleep(SAMPLE_MS, signal).catch(() => {});
      if (!signal.aborted) this.sample();
    }
  }

  /** Looks once at what is used. */
  sample(): void {
    const { records, links, context } = this.#parts;
    const at = context.clock.now();
    const vms = new Map<string, Sample>();
    const nodes = new Map<string, Sample>();
    for (const { name, usage, vmUsage } of links.all()) {
      if (usage !== null) nodes.set(name, sampleOf(usage));
      for (const [uid, its] of vmUsage) {
        // A node may tell late of a VM that has left it.
        if (records.vms.get(uid)?.node === name) vms.set(uid, sampleOf(its));
      }
    }
    this.vmUsage.add(at, vms);
    this.nodeUsage.add(at, nodes);
  }

  #note({ kind, id, value }: Change): void {
    if (kind === "vm") {
      if (value === null) this.vms.forget(id);
      else this.#noteVm(value as Vm, (value as Vm).status.since);
    } else if (kind === "node") {
      if (value === null) this.nodes.forget(id);
      else this.#noteNode(value as Node);
    }
  }

  #noteVm({ uid, status, node }: Vm, at: string): void {
    const { state, reason } = status;
    this.vms.note(uid, { at, state, reason, node });
  }

  #noteNode({ name, state, since, draining }: Node): void {
    const reason = draining ? "draining" : "";
    this.nodes.note(name, { at: since, state, reason, node: name });
  }
}

function sampleOf(
  { cpu, memoryMiB }: {
    readonly cpu: { readonly m1: number } | null;
    readonly memoryMiB: number | null;
  },
): Sample {
  return { cpu: cpu?.m1 ?? null, memoryMiB };
}
