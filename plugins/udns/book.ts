/**
 * What is written down of each VM: which of its names the server may have. In
 * the plugin's own space, many VMs in one value, since a space has fewer keys
 * than a site has VMs.
 *
 * @module
 */
import type { Json, PluginContext } from "@usher/plugin";

/** What the server may have of one VM. */
export interface Entry {
  /** Its full name. */
  readonly vm: string;
  readonly addresses: readonly string[];
  /** Whether the server was told all of it. */
  readonly done: boolean;
}

type Page = { readonly [uid: string]: Entry };
type State = PluginContext["state"];

const PREFIX = "vms/";
const MAX_TRIES = 50;
/** Pages that are written at once; what goes with a commit has its limits. */
const AT_ONCE = 40;

/** The last digits of uids are random. */
const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";

/** Every page there may be, in order: the last two digits of the uids in it. */
export const PAGES: readonly string[] = [...DIGITS].flatMap((first) =>
  [...DIGITS].map((second) => first + second)
);

/** The page that a VM stands in. */
export function pageOf(uid: string): string {
  return uid.slice(-2);
}

/** What is written down of a VM; null for nothing. */
export async function entryOf(
  uid: string,
  state: State,
): Promise<Entry | null> {
  return read(await state.get(PREFIX + pageOf(uid)))[uid] ?? null;
}

/** Writes it down, or strikes it out; durable when it resolves. */
export async function writeEntry(
  uid: string,
  entry: Entry | null,
  state: State,
): Promise<void> {
  await writeEntries(new Map([[uid, entry]]), state);
}

/** The same for many, a few commits for all of them. */
export async function writeEntries(
  entries: ReadonlyMap<string, Entry | null>,
  state: State,
): Promise<void> {
  const byPage = Map.groupBy(entries, ([uid]) => pageOf(uid));
  const pages = [...byPage];
  const batches = Array.from(
    { length: Math.ceil(pages.length / AT_ONCE) },
    (_, i) => new Map(pages.slice(i * AT_ONCE, (i + 1) * AT_ONCE)),
  );
  await Promise.all(batches.map((batch) => writePages(batch, state)));
}

/** All that stands in the pages that begin with this digit, by uid. */
export async function entriesOf(
  digit: string,
  state: State,
): Promise<Map<string, Entry>> {
  const pages = await state.list(PREFIX + digit);
  return new Map(pages.flatMap(({ value }) => Object.entries(read(value))));
}

async function writePages(
  entries: ReadonlyMap<string, readonly (readonly [string, Entry | null])[]>,
  state: State,
): Promise<void> {
  // Each try that fails is one of somebody else that did not.
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const before = await Promise.all(
      [...entries.keys()].map(async (page) => {
        const key = PREFIX + page;
        return { key, page, value: await state.get(key) };
      }),
    );
    const changes = before.map(({ key, page, value }) => ({
      key,
      value: written(read(value), entries.get(page) ?? []),
    }));
    const expect = before.map(({ key, value }) => ({ key, value }));
    if (await state.commit(changes, expect)) return;
  }
  throw new Error(
    `Somebody else goes on writing "${PREFIX}${[...entries.keys()].join()}"`,
  );
}

function written(
  page: Page,
  news: readonly (readonly [string, Entry | null])[],
): Json {
  const all = new Map(Object.entries(page));
  for (const [uid, entry] of news) {
    if (entry === null) all.delete(uid);
    else all.set(uid, entry);
  }
  if (all.size === 0) return null;
  return Object.fromEntries(all) as unknown as Json;
}

function read(value: Json): Page {
  return (value ?? {}) as unknown as Page;
}
