/**
 * A batch: the VMs of one request, placed as one decision.
 *
 * One after another in their order, with one exception: a VM that must be
 * together with others of the same request comes after them, and those that
 * must be together whatever their order is are a party, which one node takes
 * as a whole or not at all.
 *
 * @module
 */
import { splitVmName } from "../../schema/name.ts";
import { nameTest } from "./pattern_index.ts";
import { decideParty } from "./party.ts";
import type { Picture } from "./picture.ts";
import type { Decision, Placer } from "./placer.ts";
import type { Wish } from "./wish.ts";

/** Decides where all of `wishes` go; answers in their order. */
export function placeAll(
  picture: Picture,
  placer: Placer,
  wishes: readonly Wish[],
): Decision[] {
  if (wishes.every(({ placement }) => placement.togetherWith.length === 0)) {
    return wishes.map((wish) => placer.place(wish));
  }
  return new Batch(picture, placer, wishes).decide();
}

/** Whom a pattern means. */
interface Matching {
  readonly members: readonly number[];
  /** Whether there are others, which lie on a node and stay there. */
  readonly isElsewhere: boolean;
  isJoined: boolean;
}

/** Of these members of the batch one must be placed before. */
type Need = readonly number[];

class Batch {
  readonly #picture: Picture;
  readonly #placer: Placer;
  readonly #wishes: readonly Wish[];
  readonly #decisions: (Decision | undefined)[];
  /** The party of each member, as the number of one of it. */
  readonly #party: number[];
  readonly #needs: readonly Need[][];
  readonly #matching = new Map<string, Matching>();

  constructor(picture: Picture, placer: Placer, wishes: readonly Wish[]) {
    this.#picture = picture;
    this.#placer = placer;
    this.#wishes = wishes;
    this.#decisions = wishes.map(() => undefined);
    this.#party = wishes.map((_, i) => i);
    this.#needs = wishes.map((wish, i) => this.#needsOf(wish, i));
  }

  decide(): Decision[] {
    let open = this.#wishes.map((_, i) => i);
    while (open.length > 0) {
      const before = open.length;
      for (const party of this.#parties(open)) {
        if (party.every((i) => this.#isReady(i))) this.#decideParty(party);
      }
      open = open.filter((i) => this.#decisions[i] === undefined);
      if (open.length === before) this.#joinWaiting(open);
    }
    return this.#decisions as Decision[];
  }

  /** What one needs of the batch; joins those that can only come together. */
  #needsOf(wish: Wish, i: number): Need[] {
    const needs: Need[] = [];
    for (const pattern of wish.placement.togetherWith) {
      const matching = this.#whoMatches(wish, pattern);
      if (matching.isElsewhere) continue;
      const { members } = matching;
      const others = members.filter((j) => j !== i);
      if (others.length < members.length) this.#joinAll(matching);
      else if (others.length === 1) this.#join(i, others[0] ?? i);
      else if (others.length > 1) needs.push(others);
    }
    return needs;
  }

  /** Those that a pattern of one of them means: joined once, however many have it. */
  #joinAll(matching: Matching): void {
    if (matching.isJoined) return;
    matching.isJoined = true;
    const [first = 0] = matching.members;
    for (const i of matching.members) this.#join(i, first);
  }

  /** Whom `pattern` means among the VMs of the owner of `wish`. */
  #whoMatches({ name }: Wish, pattern: string): Matching {
    const { user } = splitVmName(name);
    const key = `${user} ${pattern}`;
    const known = this.#matching.get(key);
    if (known !== undefined) return known;
    const test = nameTest(pattern);
    const members: number[] = [];
    for (const [i, wish] of this.#wishes.entries()) {
      if (splitVmName(wish.name).user === user && test(wish.name)) {
        members.push(i);
      }
    }
    const uids = new Set(members.map((i) => this.#wishes[i]?.uid));
    const isElsewhere = [...this.#picture.neighbours.of(name)].some((it) =>
      test(it.name) && !uids.has(it.uid)
    );
    const found = { members, isElsewhere, isJoined: false };
    this.#matching.set(key, found);
    return found;
  }

  #isReady(i: number): boolean {
    return this.#needs[i]?.every((others) =>
      others.some((j) => this.#decisions[j]?.type === "placed") ||
      others.every((j) => this.#decisions[j] !== undefined)
    ) === true;
  }

  /** Each waits for another: they can only come together. */
  #joinWaiting(open: readonly number[]): void {
    const isOpen = new Set(open);
    for (const i of open) {
      const others = this.#needs[i]?.flat().filter((j) => isOpen.has(j)) ?? [];
      for (const j of others) this.#join(i, j);
      this.#needs[i]?.splice(0);
      if (others.length > 0) return;
    }
  }

  #parties(open: readonly number[]): number[][] {
    const parties = new Map<number, number[]>();
    for (const i of open) {
      const root = this.#rootOf(i);
      const party = parties.get(root);
      if (party === undefined) parties.set(root, [i]);
      else party.push(i);
    }
    return [...parties.values()];
  }

  #decideParty(party: readonly number[]): void {
    const wishes = party.map((i) => this.#wishes[i] as Wish);
    const [only] = wishes;
    const decisions = wishes.length === 1 && only !== undefined
      ? [this.#placer.place(only)]
      : decideParty(this.#picture, this.#placer, wishes);
    for (const [at, i] of party.entries()) this.#decisions[i] = decisions[at];
  }

  #join(i: number, j: number): void {
    this.#party[this.#rootOf(i)] = this.#rootOf(j);
  }

  #rootOf(i: number): number {
    let root = i;
    while (this.#party[root] !== root) root = this.#party[root] ?? root;
    let at = i;
    while (this.#party[at] !== root) {
      const next = this.#party[at] ?? root;
      this.#party[at] = root;
      at = next;
    }
    return root;
  }
}
