/**
 * The balance: how busy each node is, how far the nodes lie from their mean,
 * and what both would be after a move.
 *
 * A node is as busy as the scarcer of its processors and its memory. The
 * imbalance is the standard deviation of that over all nodes: every move that
 * lowers it makes the site evener. The peak is how far the busiest node lies
 * above the mean: that is what people suffer from, also where one node of a
 * thousand hardly changes a deviation.
 *
 * @module
 */

/** What a node has, and what of it is in use. */
export interface Load {
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly usedCpus: number;
  readonly usedMiB: number;
}

/** What goes from one node to another with a VM. */
export interface Weight {
  readonly usedCpus: number;
  readonly usedMiB: number;
}

/** What a move makes of the two nodes and of them all. */
export interface Outlook {
  readonly from: number;
  readonly to: number;
  readonly imbalance: number;
}

/** How busy a node is: 1 when the scarcer of what it has is used up. */
export function busyness({ cpus, memoryMiB, usedCpus, usedMiB }: Load): number {
  return Math.max(usedCpus / cpus, usedMiB / memoryMiB);
}

/** `load` with `weight` more, or less when `sign` is -1. */
export function shifted(load: Load, weight: Weight, sign: 1 | -1): Load {
  return {
    ...load,
    usedCpus: Math.max(0, load.usedCpus + sign * weight.usedCpus),
    usedMiB: Math.max(0, load.usedMiB + sign * weight.usedMiB),
  };
}

/** The nodes that are compared, and how busy they are. */
export class Balance {
  readonly #loads: Map<string, Load>;
  #sum = 0;
  #squares = 0;

  constructor(loads: ReadonlyMap<string, Load>) {
    this.#loads = new Map(loads);
    this.#add();
  }

  /** Anew each time, so that no error of rounding grows. */
  #add(): void {
    const all = [...this.#loads.values()].map(busyness);
    this.#sum = all.reduce((sum, it) => sum + it, 0);
    this.#squares = all.reduce((sum, it) => sum + it * it, 0);
  }

  get imbalance(): number {
    return this.#deviation(this.#sum, this.#squares);
  }

  get mean(): number {
    return this.#loads.size === 0 ? 0 : this.#sum / this.#loads.size;
  }

  get peak(): number {
    let busiest = 0;
    for (const name of this.#loads.keys()) {
      busiest = Math.max(busiest, this.of(name));
    }
    return Math.max(0, busiest - this.mean);
  }

  of(node: string): number {
    const load = this.#loads.get(node);
    return load === undefined ? 0 : busyness(load);
  }

  /** The nodes, busiest first; by name where they are equally busy. */
  ranked(): string[] {
    return [...this.#loads.keys()].sort((a, b) =>
      this.of(b) - this.of(a) || (a < b ? -1 : 1)
    );
  }

  /** What a move would make of it; null when one of the nodes is not compared. */
  after(weight: Weight, from: string, to: string): Outlook | null {
    const pair = this.#pairAfter(weight, from, to);
    if (pair === null) return null;
    const was = [this.of(from), this.of(to)];
    const is = pair.map(busyness);
    const sum = this.#sum - total(was) + total(is);
    const squares = this.#squares - total(was.map(square)) +
      total(is.map(square));
    const [atFrom = 0, atTo = 0] = is;
    return {
      from: atFrom,
      to: atTo,
      imbalance: this.#deviation(sum, squares),
    };
  }

  /** Counts with a move as made. */
  move(weight: Weight, from: string, to: string): void {
    const pair = this.#pairAfter(weight, from, to);
    if (pair === null) return;
    this.#loads.set(from, pair[0]);
    this.#loads.set(to, pair[1]);
    this.#add();
  }

  #pairAfter(weight: Weight, from: string, to: string): [Load, Load] | null {
    const source = this.#loads.get(from);
    const target = this.#loads.get(to);
    if (source === undefined || target === undefined || from === to) {
      return null;
    }
    return [shifted(source, weight, -1), shifted(target, weight, 1)];
  }

  #deviation(sum: number, squares: number): number {
    const count = this.#loads.size;
    if (count === 0) return 0;
    return Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
  }
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function square(value: number): number {
  return value * value;
}
