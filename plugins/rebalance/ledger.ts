/**
 * The ledger: which moves were made when, in the plugin's own space.
 *
 * A move is written down before it is asked for. What is written and was then
 * not asked for, since everything stopped between the two, costs a move of the
 * budget; the other way round the budget would be passed.
 *
 * @module
 */
import type { PluginContext } from "@usher/plugin";

/** A move that was asked for. */
export interface Entry {
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly uid: string;
}

const PREFIX = "moved/";
const LAST_PLAN = "last plan";
const UNDER_WAY = "under way";
/** What one commit may hold. */
const MAX_CHANGES = 100;

type State = PluginContext["state"];

/** Moves of the last `keepMs`; older ones are dropped. */
export async function readLedger(
  state: State,
  keepMs: number,
  now: number,
): Promise<Entry[]> {
  const kept: Entry[] = [];
  for (const { key, value } of await state.list(PREFIX)) {
    const { at, uid } = (value ?? {}) as Partial<Entry>;
    const isSound = typeof at === "number" && typeof uid === "string";
    if (isSound && now - at < keepMs) kept.push({ at, uid });
    else await state.delete(key);
  }
  return kept;
}

/** Writes moves down, all or none. The same `decision` again writes the same. */
export async function writeMoves(
  state: State,
  decision: string,
  entries: readonly Entry[],
): Promise<void> {
  await state.commit(
    entries.slice(0, MAX_CHANGES).map(({ at, uid }, index) => ({
      key: `${PREFIX}${decision}/${index}`,
      value: { at, uid },
    })),
  );
}

/** Whether the last plan was to be gone on with. */
export async function wasUnderWay(state: State): Promise<boolean> {
  return await state.get(UNDER_WAY) === true;
}

/** Keeps the last plan, for people, and whether it is to be gone on with. */
export async function keepPlan(
  state: State,
  plan: Parameters<State["set"]>[1],
  isUnderWay: boolean,
): Promise<void> {
  await state.commit([
    { key: LAST_PLAN, value: plan },
    { key: UNDER_WAY, value: isUnderWay },
  ]);
}
