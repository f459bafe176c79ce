/**
 * The tally: how often each event was heard of, kept over restarts.
 *
 * A count is raised only when it still is what was read, so that calls side by
 * side count twice and not once.
 *
 * @module
 */
import type { PluginContext } from "@usher/plugin";

/** Counts one more, durably; answers how many it were now. */
export async function count(
  state: PluginContext["state"],
  event: string,
): Promise<number> {
  const key = `seen/${event}`;
  for (;;) {
    const before = await state.get(key);
    const value = (typeof before === "number" ? before : 0) + 1;
    if (await state.commit([{ key, value }], [{ key, value: before }])) {
      return value;
    }
  }
}
