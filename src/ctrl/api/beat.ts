/**
 * Beats: a line where a stream would fall silent, so that either end notices
 * a dead link.
 *
 * What counts is what the reader was sent, not what there was to look at: a
 * stream that leaves out all that happens is as silent as one where nothing
 * does.
 *
 * @module
 */
import type { Clock } from "../../sys/clock.ts";

/** A line at least so often. */
export const BEAT_MS = 5_000;

/**
 * `lines`, and what `beat` gives wherever none came for a while. `lines` end
 * with the signal of their stream: who stops reading does not wait for them.
 */
export async function* withBeats<T>(
  lines: AsyncIterable<T>,
  clock: Clock,
  beat: () => unknown,
): AsyncGenerator<unknown> {
  const iterator = lines[Symbol.asyncIterator]();
  let next = nextOf(iterator);
  try {
    for (;;) {
      const due = Promise.withResolvers<null>();
      const timer = clock.after(BEAT_MS, () => due.resolve(null));
      const got = await Promise.race([next, due.promise])
        .finally(() => timer[Symbol.dispose]());
      if (got?.done === true) return;
      if (got !== null) next = nextOf(iterator);
      yield got === null ? beat() : got.value;
    }
  } finally {
    void iterator.return?.();
  }
}

/** What comes next; it may fail while nobody looks, and is then told by whoever does. */
function nextOf<T>(iterator: AsyncIterator<T>): Promise<IteratorResult<T>> {
  const next = iterator.next();
  next.catch(() => {});
  return next;
}
