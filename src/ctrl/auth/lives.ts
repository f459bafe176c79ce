/**
 * Lives: what goes on for as long as a session or a token is good. When that is
 * over, everything of it ends at once, also what waits for something to happen.
 *
 * @module
 */

/** Something that goes on for a session; `signal` aborts when that is over. */
export interface Life extends Disposable {
  readonly signal: AbortSignal;
  /** This alone ends, as with the session. */
  end(): void;
}

const ENDED = "this session has ended";

/** What goes on, by session. */
export class Lives {
  readonly #lives = new Map<string, Set<AbortController>>();
  /** Told of each session and token that is over, by its hash. */
  onEnd: (session: string) => void = () => {};

  /** Something begins, and goes on until it is disposed of or the session is over. */
  hold(session: string): Life {
    const life = new AbortController();
    const lives = this.#lives.get(session) ?? new Set();
    this.#lives.set(session, lives.add(life));
    return {
      signal: life.signal,
      end: () => life.abort(ENDED),
      [Symbol.dispose]: () => {
        lives.delete(life);
        if (lives.size === 0 && this.#lives.get(session) === lives) {
          this.#lives.delete(session);
        }
      },
    };
  }

  /** The session is over, or is another's from now on: what goes on for it ends. */
  end(session: string): void {
    const lives = this.#lives.get(session) ?? [];
    this.#lives.delete(session);
    for (const life of lives) life.abort(ENDED);
    this.onEnd(session);
  }
}
