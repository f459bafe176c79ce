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
import type { NodeLinks } from "../nodes/node_links.ts";
import type { Change, Records } from "../records/records.ts";
import { PastStates } from "./past_states.ts";
import { type Sample, UsageFrames } from "./usage_frames.ts";

/** How often usage is looked at. */
export const SAMPLE_MS = 60_000;

/** Nodes are few. */
const KEPT_NODE_STATES = 10_000;
const NODE_USAGE_BYTES = 12 * 1024 * 1024;

/** VMs that are looked at before others have their turn. */
const LOOKED_AT_ONCE = 2000;

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
    // Where they are so many that there would be room for nothing else, what
    // they were before this controller is not known.
    if (records.vms.size <= this.vms.kept / 2) {
      for (const vm of records.vms.values()) this.#noteVm(vm);
    }
    for (const node of records.nodes.values()) this.#noteNode(node);
    records.subscribe((changes) => changes.forEach((one) => this.#note(one)));
  }

  /** Looks at what is used, once a minute until `signal` aborts. */
  async keep(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts.context;
    while (!signal.aborted) {
      await clock.sleep(SAMPLE_MS, signal).catch(() => {});
      if (!signal.aborted) await this.sample();
    }
  }

  /** Looks once at what is used; others have their turn between nodes. */
  async sample(): Promise<void> {
    const { records, links, context: { clock } } = this.#parts;
    const vms = this.vmUsage.begin(clock.now());
    const nodes = this.nodeUsage.begin(clock.now());
    let looked = 0;
    for (const { name, usage, vmUsage } of [...links.all()]) {
      if (usage !== null) nodes.put(name, sampleOf(usage));
      for (const [uid, its] of vmUsage) {
        // A node may tell late of a VM that has left it.
        if (records.vms.get(uid)?.node === name) vms.put(uid, sampleOf(its));
      }
      looked += vmUsage.size;
      if (looked < LOOKED_AT_ONCE) continue;
      looked = 0;
      await clock.sleep(0);
    }
    this.vmUsage.add(vms);
    this.nodeUsage.add(nodes);
  }

  #note({ kind, id, value }: Change): void {
    if (kind === "vm") {
      if (value === null) this.vms.forget(id);
      else this.#noteVm(value as Vm);
    } else if (kind === "node") {
      if (value === null) this.nodes.forget(id);
      else this.#noteNode(value as Node);
    }
  }

  #noteVm({ uid, status, node }: Vm): void {
    const { state, reason, since: at } = status;
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
