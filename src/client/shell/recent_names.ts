/**
 * Names that the shell keeps no copies of (accounts, tokens, plugins), asked
 * for at a Tab and remembered for the next ones: a person presses it several
 * times within a word, and a controller far away must not be felt each time.
 *
 * @module
 */
import type { Asked, Candidate } from "../live_names.ts";

/** How long an answer is good. */
const FRESH_MS = 30_000;

interface Known {
  readonly at: number;
  readonly names: Promise<readonly Candidate[]>;
}

/** What was asked for lately. */
export class RecentNames {
  readonly #known = new Map<Asked, Known>();
  readonly #now: () => number;
  readonly #ask: (kind: Asked) => Promise<readonly Candidate[]>;

  constructor(
    now: () => number,
    ask: (kind: Asked) => Promise<readonly Candidate[]>,
  ) {
    this.#now = now;
    this.#ask = ask;
  }

  /** The names of a kind; none where they cannot be had, and then it is asked again. */
  async of(kind: Asked): Promise<readonly Candidate[]> {
    const now = this.#now();
    let known = this.#known.get(kind);
    if (known === undefined || now - known.at >= FRESH_MS) {
      known = { at: now, names: this.#ask(kind) };
      this.#known.set(kind, known);
    }
    try {
      return await known.names;
    } catch {
      if (this.#known.get(kind) === known) this.#known.delete(kind);
      return [];
    }
  }

  /** Forgets all: a command may have changed them, or the controller is another. */
  clear(): void {
    this.#known.clear();
  }
}
