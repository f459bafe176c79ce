/**
 * VMs of ours that were made after the backup which the controller came from:
 * their nodes told of them, and are asked what they were started with.
 *
 * Nothing starts such a VM until its node has answered, since it would start
 * without its disks. A node that has lost that too says so, and then the VM is
 * what was seen of it.
 *
 * @module
 */
import { messageOf, UsherError } from "../../error/mod.ts";
import type { DomainFrame } from "../../schema/frame.ts";
import { Vm } from "../../schema/vm.ts";
import { Deadline } from "../../sys/clock.ts";
import type { CtrlContext } from "../context.ts";
import { driverOf } from "../operations/steps.ts";
import type { Records } from "../records/records.ts";
import type { Domains } from "./domains.ts";
import type { NodeLink, NodeLinks } from "./node_links.ts";

/** How long a node may take to tell of one. */
const TELL_MS = 30_000;

/** So many are asked for at the same time. */
const AT_ONCE = 64;

/** What asking works with. */
export interface PartialParts {
  readonly context: CtrlContext;
  readonly records: Records;
  readonly links: NodeLinks;
  readonly domains: Pick<Domains, "partial">;
}

/** Asks until every VM is whole; called again and again. */
export class PartialVms {
  readonly #parts: PartialParts;
  readonly #asking = new Set<string>();

  constructor(parts: PartialParts) {
    this.#parts = parts;
  }

  /** Asks the nodes that are connected. What it begins ends by itself. */
  look(): void {
    const { records, links, domains: { partial } } = this.#parts;
    for (const uid of partial) {
      if (this.#asking.size >= AT_ONCE) return;
      const vm = records.vms.latest(uid);
      if (vm?.partial !== true) {
        partial.delete(uid);
        continue;
      }
      const link = links.link(vm.node ?? "");
      if (!link.ready || this.#asking.has(uid)) continue;
      this.#asking.add(uid);
      void this.#ask(link, vm).finally(() => this.#asking.delete(uid));
    }
  }

  async #ask(link: NodeLink, vm: Vm): Promise<void> {
    const { context: { clock, log, newId } } = this.#parts;
    using deadline = new Deadline(clock, TELL_MS, "what a VM was started with");
    try {
      const told = await link.act({
        id: newId(),
        verb: "inspect",
        driver: driverOf(vm),
        uid: vm.uid,
        plan: null,
        graceMs: 0,
      }, deadline.signal);
      if (told === null) return;
      link.used(told);
      await this.#complete(vm, told);
    } catch (error) {
      log.warn(
        "a node did not tell what a VM was started with; it is asked again",
        {
          vm: vm.name,
          node: link.name,
          error: messageOf(error),
        },
      );
    }
  }

  async #complete({ uid, name, node }: Vm, { spec }: DomainFrame) {
    const { context: { log }, records } = this.#parts;
    // Nothing is waited for between this look and the write.
    const now = records.vms.latest(uid);
    if (now?.partial !== true) return;
    const { partial: _, ...rest } = now;
    if (spec === undefined) {
      log.warn(
        "a node has lost what a VM was started with: its disks are not known",
        {
          vm: name,
          node,
        },
      );
    }
    const value = Vm.parse({ ...rest, spec: spec ?? rest.spec });
    const note = spec === undefined
      ? "its node cannot tell what it was started with"
      : `its node told what it was started with`;
    await records.write([{ kind: "vm", key: uid, value, note }]);
  }
}

/** Why `vm` cannot be started yet; null when it can. */
export function notWhole({ name, node, partial }: Vm): UsherError | null {
  if (partial !== true) return null;
  return new UsherError(
    "unavailable",
    `Cannot start VM "${name}": node ${node} has yet to tell what it is made of`,
    { hint: "try again once the node has answered", subject: name },
  );
}
