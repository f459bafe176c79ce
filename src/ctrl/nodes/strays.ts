/**
 * Strays of connected nodes: copies of VMs that other nodes have taken over,
 * remembered as nodes tell of them. `stray_keeper.ts` ends them.
 *
 * @module
 */
import { occupies } from "../../core/vm_machine.ts";
import type { DomainFrame } from "../../schema/frame.ts";

/** What nodes have of VMs that are not theirs. */
export class Strays {
  readonly #byNode = new Map<string, Map<string, DomainFrame>>();
  readonly #onChange: (uid: string, nodes: readonly string[]) => void;

  /** `onChange` is told on which nodes a VM has copies that take its memory. */
  constructor(onChange: (uid: string, nodes: readonly string[]) => void) {
    this.#onChange = onChange;
  }

  /** A node tells of a domain whose VM another node holds. */
  note(node: string, domain: DomainFrame): void {
    if (domain.uid === null) return;
    const its = this.#byNode.get(node) ?? new Map<string, DomainFrame>();
    // What a migration left is for leftovers.ts.
    const isOurs = domain.state !== "absent" && domain.state !== "migrating";
    if (!isOurs) its.delete(domain.uid);
    else its.set(domain.uid, domain);
    this.#byNode.set(node, its);
    this.#changed(domain.uid);
  }

  /** The domain is none, or no more. */
  drop(node: string, uid: string): void {
    if (this.#byNode.get(node)?.delete(uid) === true) this.#changed(uid);
  }

  /** A node tells anew of everything that it has. */
  clear(node: string): void {
    const its = this.#byNode.get(node)?.keys() ?? [];
    this.#byNode.delete(node);
    for (const uid of its) this.#changed(uid);
  }

  #changed(uid: string): void {
    const nodes = [...this.#byNode].filter(([, its]) => {
      const stray = its.get(uid);
      return stray !== undefined && occupies(stray.state);
    });
    this.#onChange(uid, nodes.map(([node]) => node));
  }

  /** Nodes that have one of this VM. */
  nodesOf(uid: string): string[] {
    return [...this.#byNode].filter(([, its]) => its.has(uid))
      .map(([node]) => node);
  }

  of(node: string): DomainFrame[] {
    return [...this.#byNode.get(node)?.values() ?? []];
  }
}
