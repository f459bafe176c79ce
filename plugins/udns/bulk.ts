/**
 * Many changes in few messages: an update has as many names as go into one.
 *
 * A message is done as a whole or not at all, so one name that is otherwise
 * than it was thought to be keeps the others back: then its halves are sent,
 * until a few names are left, and the caller looks at those one by one.
 *
 * @module
 */
import type { DnsRecord } from "./message.ts";
import { type NameServer, NotAllowed } from "./name_server.ts";
import type { Change } from "./ownership.ts";

/** Half of what one message may have: the server holds up all others meanwhile. */
const MAX_BYTES = 32 * 1024;
/** So many messages are on their way to one zone: the server writes while the next one comes. */
const MAX_UNDER_WAY = 2;
/** So few names are not halved: asking for each takes no more messages. */
const FEW = 8;

/** What became of many changes. */
export interface Made<C extends Change> {
  readonly done: readonly C[];
  /** Those to be looked at one by one. */
  readonly left: readonly C[];
}

/** Makes all changes whose conditions hold. Throws when the server cannot be told. */
export async function makeAll<C extends Change>(
  server: NameServer,
  changes: readonly C[],
  signal: AbortSignal,
): Promise<Made<C>> {
  const [done, left]: [C[], C[]] = [[], []];
  const send = async (some: readonly C[]): Promise<void> => {
    const [first] = some;
    if (first === undefined) return;
    if (await made(server, first.zone, some, signal)) done.push(...some);
    else if (some.length <= FEW) left.push(...some);
    else {
      const half = Math.ceil(some.length / 2);
      await send(some.slice(0, half));
      await send(some.slice(half));
    }
  };
  const { once, again } = withoutTwins(changes);
  left.push(...again);
  const zones = Map.groupBy(once, ({ zone }) => zone);
  await allOver([...zones.values()].flatMap((its) => {
    const messages = packed(its).values();
    return Array.from({ length: MAX_UNDER_WAY }, async () => {
      for (const some of messages) await send(some);
    });
  }));
  return { done, left };
}

/** Waits for the end of each, also when one fails: then nothing is on its way any more. */
async function allOver(work: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}

/** What one message would do to one name twice is no condition of the other. */
function withoutTwins<C extends Change>(
  changes: readonly C[],
): { once: C[]; again: C[] } {
  const seen = new Set<string>();
  const [once, again]: [C[], C[]] = [[], []];
  for (const change of changes) {
    (seen.has(change.name) ? again : once).push(change);
    seen.add(change.name);
  }
  return { once, again };
}

async function made(
  server: NameServer,
  zone: string,
  some: readonly Change[],
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const outcome = await server.update(
      zone,
      some.flatMap(({ requires }) => requires),
      some.flatMap(({ changes }) => changes),
      signal,
    );
    return outcome === "done";
  } catch (error) {
    if (error instanceof NotAllowed) return false;
    throw error;
  }
}

/** As few parts as go into messages. */
function packed<C extends Change>(changes: readonly C[]): C[][] {
  const parts: C[][] = [];
  let size = Infinity;
  for (const change of changes) {
    const more = sizeOf(change.requires) + sizeOf(change.changes);
    if (size + more > MAX_BYTES) {
      parts.push([]);
      size = 0;
    }
    parts.at(-1)?.push(change);
    size += more;
  }
  return parts;
}

/** In bytes, or a little more. */
function sizeOf(records: readonly DnsRecord[]): number {
  return records.reduce(
    (sum, { name, data }) => sum + name.length + (data?.length ?? 0) + 20,
    0,
  );
}
