/**
 * What could not be written yet: rows that wait in the plugin's own space, as
 * many as the configuration allows, and how many more were lost.
 *
 * @module
 */
import type { Json, PluginContext } from "@usher/plugin";
import type { Row } from "./tables.ts";

type State = PluginContext["state"];

const PREFIX = "row/";
const LOST = "lost";
const DIGITS = "0123456789abcdef";

/** How many entries wait, counted once; for all registrations together. */
let counted: Promise<{ waiting: number }> | null = null;

/** Forgets the count; for tests, which have many spaces. */
export function forgetCount(): void {
  counted = null;
}

/** Keeps rows until they can be written; false when there is no room, and they are lost. */
export async function keep(
  rows: readonly Row[],
  { id, limit, state }: {
    /** The same when the same rows are kept again. */
    readonly id: string;
    readonly limit: number;
    readonly state: State;
  },
): Promise<boolean> {
  const count = await countIn(state);
  if (count.waiting >= limit) {
    await lose(rows.length, state);
    return false;
  }
  const key = PREFIX + await digest(id);
  // What waits already is kept anew, and takes no more room.
  if (await state.get(key) === null) count.waiting++;
  await state.set(key, rows as unknown as Json);
  return true;
}

/** Counts rows as lost. */
export async function lose(count: number, state: State): Promise<void> {
  for (;;) {
    const before = await state.get(LOST);
    const change = { key: LOST, value: Number(before ?? 0) + count };
    if (await state.commit([change], [{ key: LOST, value: before }])) return;
  }
}

/** How many rows were lost and not told of. */
export async function lost(state: State): Promise<number> {
  return Number(await state.get(LOST) ?? 0);
}

/** Says that so many lost ones are told of. */
export async function toldLost(count: number, state: State): Promise<void> {
  await lose(-count, state);
}

/** All that waits. */
export async function all(
  state: State,
): Promise<{ key: string; rows: Row[] }[]> {
  const found: { key: string; rows: Row[] }[] = [];
  for (const digit of DIGITS) {
    for (const { key, value } of await state.list(PREFIX + digit)) {
      found.push({ key, rows: value as unknown as Row[] });
    }
  }
  return found;
}

/** Strikes out what was written. */
export async function strike(
  keys: readonly string[],
  state: State,
): Promise<void> {
  const count = await countIn(state);
  await state.commit(keys.map((key) => ({ key, value: null })));
  count.waiting -= keys.length;
}

/** Many ask at once when a database fails, and all of them wait for one count. */
function countIn(state: State): Promise<{ waiting: number }> {
  return counted ??= all(state).then(
    ({ length }) => ({ waiting: length }),
    (error) => {
      counted = null;
      throw error;
    },
  );
}

async function digest(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const hash = await crypto.subtle.digest("SHA-256", bytes);
  return [...new Uint8Array(hash).slice(0, 16)]
    .map((it) => it.toString(16).padStart(2, "0")).join("");
}
