/**
 * The keeper of strays: ends the copies of VMs that other nodes have taken
 * over. `core/stray.ts` decides which; what is wrong with one is said as an
 * error with both places.
 *
 * @module
 */
import { heldNowhere } from "../../core/node_loss.ts";
import { strayVerdict } from "../../core/stray.ts";
import { occupies } from "../../core/vm_machine.ts";
import { messageOf } from "../../error/mod.ts";
import type { DomainFrame } from "../../schema/frame.ts";
import type { Vm } from "../../schema/vm.ts";
import { Deadline } from "../../sys/clock.ts";
import type { AuditSink } from "../audit/sink.ts";
import type { CtrlContext } from "../context.ts";
import type { Runner } from "../operations/runner.ts";
import type { Records } from "../records/records.ts";
import type { NodeLink, NodeLinks } from "./node_links.ts";
import type { Strays } from "./strays.ts";

/** How long a node may take to end one. */
const END_MS = 30_000;

/** What ending strays works with. */
export interface StrayParts {
  readonly context: CtrlContext;
  readonly records: Records;
  readonly links: NodeLinks;
  readonly runner: Pick<Runner, "holderOf">;
  readonly audit: AuditSink;
}

/** Ends what strays may be ended; called again and again. */
export class StrayKeeper {
  readonly #parts: StrayParts;
  readonly #strays: Strays;
  /** Being ended now. */
  readonly #ending = new Set<string>();
  /** What people and the audit log were told, once. */
  readonly #told = new Set<string>();

  constructor(parts: StrayParts, strays: Strays) {
    this.#parts = parts;
    this.#strays = strays;
  }

  /** Looks at the strays of every connected node. What it begins ends by itself. */
  look(): void {
    for (const link of this.#parts.links.all()) {
      if (!link.ready) continue;
      for (const stray of this.#strays.of(link.name)) this.#judge(link, stray);
    }
  }

  #judge(link: NodeLink, stray: DomainFrame): void {
    const { records, runner } = this.#parts;
    const uid = stray.uid ?? "";
    const vm = records.vms.latest(uid);
    if (vm === undefined || vm.node === link.name) {
      return this.#strays.drop(link.name, uid);
    }
    const key = `${link.name} ${uid} ${stray.incarnation}`;
    switch (strayVerdict(vm, stray, runner.holderOf(uid) !== null)) {
      case "wait":
        return;
      case "leave":
        return this.#tell(key, link, vm);
      case "end":
        if (this.#ending.has(key)) return;
        this.#ending.add(key);
        this.#note(`end ${key}`, link, vm);
        void this.#end(link, vm, stray).finally(() => this.#ending.delete(key));
    }
  }

  #tell(key: string, link: NodeLink, vm: Vm): void {
    // A migration has two copies for a while.
    if (this.#told.has(key) || vm.status.state === "migrating") return;
    this.#told.add(key);
    this.#parts.context.log.warn(
      "a node reports a domain that another node holds",
      { node: link.name, vm: vm.name, holder: vm.node },
    );
  }

  /** Nobody asked for it, so the audit log says that it was decided; once. */
  #note(key: string, link: NodeLink, vm: Vm): void {
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#parts.audit.note({
      user: "",
      via: "controller",
      verb: "poweroff",
      names: [vm.name],
      args: { node: link.name, runsOn: vm.node },
      decision: "told",
      reason: "an older copy of a VM that another node has taken over",
    });
  }

  async #end(link: NodeLink, vm: Vm, stray: DomainFrame): Promise<void> {
    const { context: { clock, log, newId }, records } = this.#parts;
    const where = { vm: vm.name, node: link.name, runsOn: vm.node };
    const common = {
      driver: stray.driver,
      uid: vm.uid,
      plan: null,
      graceMs: 0,
    };
    using deadline = new Deadline(clock, END_MS, "end of a stray");
    const { signal } = deadline;
    try {
      if (stray.state === "running") {
        log.error(
          "a VM that was taken over ran on; the older copy is ended",
          where,
        );
      }
      if (occupies(stray.state)) {
        await link.act({ id: newId(), verb: "stop", ...common }, signal);
      }
      await link.act({ id: newId(), verb: "forget", ...common }, signal);
      this.#strays.drop(link.name, vm.uid);
      log.info("a copy of a VM that was taken over is gone", where);
      const now = records.vms.latest(vm.uid);
      if (now === undefined) return;
      const note =
        `its older copy on ${link.name}, which was ${stray.state}, ` +
        "was ended";
      const value = now.restarts?.heldOn === link.name ? heldNowhere(now) : now;
      await records.write([{ kind: "vm", key: vm.uid, value, note }]);
    } catch (error) {
      log.warn("a copy of a VM that was taken over could not be ended yet", {
        ...where,
        error: messageOf(error),
      });
    }
  }
}
