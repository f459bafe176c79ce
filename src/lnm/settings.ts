/**
 * What a node is set to and tells the controller of itself, as far as it can
 * be changed while the node works.
 *
 * A controller hears of it when a session begins; so when it changes, the
 * session is cut and resumed, which costs no VM and no answer.
 *
 * @module
 */
import type { Capacity, Overcommit } from "../schema/node.ts";

/** What can be changed while a node works. */
export interface NodeFacts {
  /** What the system here has; a driver whose guests get another machine tells of that. */
  readonly capacity: Capacity;
  /** What the administrator gives to VMs, whatever there is. */
  readonly given?: Partial<Capacity>;
  readonly labels: Readonly<Record<string, string>>;
  /** What the node promises of itself; the controller's default when absent. */
  readonly overcommit?: Overcommit;
  /** How often usage is read, in ms. */
  readonly usageMs: number;
}

/** The facts of a node that are in force. */
export class NodeSettings {
  /** Told when they have become others. */
  onChange: () => void = () => {};
  #current: NodeFacts;

  constructor(first: NodeFacts) {
    this.#current = first;
  }

  /** Those in force: another object after each change. */
  get current(): NodeFacts {
    return this.#current;
  }

  /** From now on these are in force. */
  take(facts: NodeFacts): void {
    this.#current = facts;
    this.onChange();
  }
}
