/**
 * The placer: decides where VMs go, each seeing what those before it took.
 *
 * What it decides shows in the picture while it is in use, and is taken out of
 * it again at the end: what was decided counts from when it is written. So
 * a decision that comes to nothing leaves nothing behind.
 *
 * @module
 */
import { splitVmName } from "../../schema/name.ts";
import type { Strategy } from "../../schema/placement.ts";
import { type Ask, askFor } from "./ask.ts";
import { Candidates } from "./candidates.ts";
import { explainRefusal, type Refused } from "./explain.ts";
import { admits, filtersFor, fixedKey, varyingFiltersFor } from "./filters.ts";
import type { Resident } from "./neighbours.ts";
import type { Picture, Place } from "./picture.ts";
import { type Score, SCORES } from "./score.ts";
import type { Wish } from "./wish.ts";

/** Where a VM goes, or why no node can take it. */
export type Decision = Placed | Refused;

/** Where a VM goes. */
export interface Placed {
  readonly type: "placed";
  readonly node: string;
  readonly score: number;
}

/** A node that can take a VM, with its score. */
export interface Ranked {
  readonly place: Place;
  readonly score: number;
}

/** So many nodes may have changed until words are made anew. */
const WORDS_LAST = 50;

/** Wishes of one kind: all that is decided on but the names is the same. */
interface Kind {
  /** Made at the second of them: one alone is decided by looking at each node. */
  candidates: Candidates | null;
  /** What was said to the last one that was refused, and after how many changes. */
  refused: { readonly answer: Refused; readonly after: number } | null;
}

/** Decides placements on a picture, one after another. */
export class Placer implements Disposable {
  readonly #picture: Picture;
  readonly #score: Score;
  readonly #kinds = new Map<string, Kind>();
  /** Nodes that took something, in order; one may stand there many times. */
  readonly #changes: Place[] = [];
  readonly #before = new Map<string, Resident | undefined>();

  constructor(picture: Picture, strategy: Strategy) {
    this.#picture = picture;
    this.#score = SCORES[strategy];
  }

  /** Decides where one VM goes, and lets those after it see that. */
  place(wish: Wish): Decision {
    const ask = askFor(this.#picture, wish);
    const best = this.#best(ask);
    if (best === null) return this.#refuse(ask);
    this.take(wish, best.place);
    return { type: "placed", node: best.place.name, score: best.score };
  }

  /** Counts a VM on a node; one that moves counts where it is as well. */
  take(wish: Wish, place: Place): void {
    const before = this.#picture.resident(wish.uid);
    if (!this.#before.has(wish.uid)) this.#before.set(wish.uid, before);
    const isCold = wish.cold === true;
    const stays = before !== undefined && (before.on || isCold)
      ? before.nodes.filter((node) => node !== place.name)
      : [];
    this.#set(wish.uid, {
      uid: wish.uid,
      name: wish.name,
      nodes: [...stays, place.name],
      memoryMiB: wish.memoryMiB,
      vcpus: wish.vcpus,
      on: !isCold,
      apartFrom: wish.placement.apartFrom,
      togetherWith: wish.placement.togetherWith,
    });
  }

  /** Takes a VM out again that `take` counted. */
  untake({ uid }: Wish): void {
    this.#set(uid, this.#before.get(uid));
  }

  /** Notes every node for which that changes anything. */
  #set(uid: string, resident: Resident | undefined): void {
    const before = this.#picture.resident(uid)?.nodes ?? [];
    this.#picture.setResident(uid, resident ?? null);
    for (const name of new Set([...before, ...resident?.nodes ?? []])) {
      const place = this.#picture.place(name);
      if (place !== undefined) this.#changes.push(place);
    }
  }

  /** Nodes that can take the VM, the best first. */
  ranked(wish: Wish): Ranked[] {
    const ask = askFor(this.#picture, wish);
    const filters = varyingFiltersFor(ask);
    return eligibleFor(ask).filter((place) => admits(filters, place, ask))
      .map((place) => ({ place, score: this.#score(place, ask) }))
      .sort((a, b) => b.score - a.score || a.place.order - b.place.order);
  }

  /** What is in the way of a VM that no node can take. */
  refusal(wish: Wish): Refused {
    return this.#refuse(askFor(this.#picture, wish));
  }

  [Symbol.dispose](): void {
    for (const [uid, resident] of this.#before) {
      this.#picture.setResident(uid, resident ?? null);
    }
    this.#before.clear();
  }

  #best(ask: Ask): Ranked | null {
    const places = eligibleFor(ask);
    if (ask.followed.length > 0) {
      const near = places.filter(({ name }) =>
        ask.followed.some((it) => it.has(name))
      );
      const best = bestOf(ask, near, this.#score);
      if (best !== null) return best;
    }
    if (ask.own !== undefined || ask.followed.length > 0) {
      return bestOf(ask, places, this.#score);
    }
    const key = keyOf(ask);
    const kind = this.#kinds.get(key);
    if (kind === undefined) {
      this.#kinds.set(key, { candidates: null, refused: null });
      return bestOf(ask, places, this.#score);
    }
    kind.candidates ??= new Candidates(
      ask,
      this.#score,
      places,
      this.#changes,
    );
    return kind.candidates.best(ask, this.#changes);
  }

  #kind(ask: Ask): Kind {
    const key = keyOf(ask);
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    const made: Kind = { candidates: null, refused: null };
    this.#kinds.set(key, made);
    return made;
  }

  /** The words are made once for those of a kind that are refused near each other. */
  #refuse(ask: Ask): Refused {
    if (ask.own !== undefined) return explainRefusal(ask);
    const kind = this.#kind(ask);
    const now = this.#changes.length;
    const { refused } = kind;
    if (refused !== null && now - refused.after < WORDS_LAST) {
      return refused.answer;
    }
    const answer = explainRefusal(ask);
    kind.refused = { answer, after: now };
    return answer;
  }
}

/** The nodes that no fixed filter refuses. */
function eligibleFor(ask: Ask): readonly Place[] {
  const filters = filtersFor(ask).filter(({ fixed }) => fixed);
  return ask.picture.eligible(
    fixedKey(ask),
    (place) => admits(filters, place, ask),
  );
}

/** Looks at each of `places`; of equal ones the first is taken. */
function bestOf(
  ask: Ask,
  places: readonly Place[],
  score: Score,
): Ranked | null {
  const filters = varyingFiltersFor(ask);
  let best: Place | null = null;
  let highest = -Infinity;
  for (const place of places) {
    const its = score(place, ask);
    // Most nodes are worse than one that was seen, and need not be asked.
    if (best !== null && its <= highest) continue;
    if (admits(filters, place, ask)) [best, highest] = [place, its];
  }
  return best === null ? null : { place: best, score: highest };
}

/** What two wishes of VMs that lie nowhere must agree in to be decided alike. */
function keyOf(ask: Ask): string {
  const { wish, apart, repelled, together } = ask;
  const neighbours = [apart, repelled, together].map((all) =>
    all.map(({ pattern }) => pattern)
  );
  // Whose neighbours they are matters where there are any.
  const owner = neighbours.some((all) => all.length > 0)
    ? splitVmName(wish.name).user
    : "";
  return JSON.stringify([fixedKey(ask), wish.memoryMiB, owner, neighbours]);
}
