/**
 * Whose a name is: beside each of usher's own stands a mark, a TXT record at
 * `_usher.NAME` that tells which VM it belongs to. A name without one is a
 * stranger's, and is never changed.
 *
 * Each change is conditional on what was seen before it (prerequisites of RFC
 * 2136), so that neither a person nor another controller can come in between.
 * A name goes to a new VM as a whole; what an old VM still does to it later
 * finds another mark there, and does nothing.
 *
 * @module
 */
import { canonical, type DnsRecord, type TypeName } from "./message.ts";
import type { NameServer } from "./name_server.ts";

/** What one name should have. */
export interface Claim {
  readonly zone: string;
  readonly name: string;
  /** Kinds that are ours there; all of them are replaced. */
  readonly types: readonly TypeName[];
  readonly values: readonly {
    readonly type: TypeName;
    readonly data: string;
  }[];
}

/** A name and the kinds of records there that are ours. */
export type Place = Omit<Claim, "values">;

/** Who marks names, and for which VM. */
export interface Mark {
  /** Tells the names of one site from those of another in the same zone. */
  readonly owner: string;
  readonly uid: string;
}

/** What a name is thought to have that nobody was told of yet: nothing. */
export const NOTHING: Found = { marks: [], values: () => null };

/** What a name has at the server. */
export interface Found {
  /** The texts at the place of its mark. */
  readonly marks: readonly string[];
  /** The values of one kind; null where nobody has looked. */
  readonly values: (type: TypeName) => readonly string[] | null;
}

/** A change of one name, which is made only if what it requires holds. */
export interface Change {
  readonly zone: string;
  readonly name: string;
  readonly requires: readonly DnsRecord[];
  readonly changes: readonly DnsRecord[];
}

/** What became of a name. */
export type Claimed = "ours" | "foreign" | "unchanged";

/** How often to look again when somebody else was quicker. */
const TRIES = 5;

interface Claiming {
  readonly mark: Mark;
  readonly ttl: number;
}

/** What is to be changed so that a name is a VM's, by what it has; nothing where it is a stranger's. */
export function toClaim(
  want: Claim,
  found: Found,
  { mark, ttl }: Claiming,
): Change | "foreign" | "unchanged" {
  const { zone, name } = want;
  const [text] = found.marks;
  if (found.marks.some((it) => !isOurs(it, mark.owner))) return "foreign";
  const added = want.values.map(({ type, data }) =>
    addition(name, type, data, ttl)
  );
  const marked = addition(markOf(name), "TXT", textOf(mark), ttl);
  if (text === undefined) {
    const isInUse = want.types.some((type) =>
      (found.values(type)?.length ?? 0) > 0
    );
    if (isInUse) return "foreign";
    return {
      zone,
      name,
      requires: [absent(name), absent(markOf(name))],
      changes: [...added, marked],
    };
  }
  if (text === textOf(mark) && hasAll(want, found)) return "unchanged";
  return {
    zone,
    name,
    requires: [exactly(markOf(name), "TXT", text)],
    changes: [
      ...want.types.map((type) => none(name, type)),
      ...added,
      none(markOf(name), "TXT"),
      marked,
    ],
  };
}

/** What is to be changed so that a VM has nothing at a name any more, if it has. */
export function toRelease({ zone, name, types }: Place, mark: Mark): Change {
  return {
    zone,
    name,
    requires: [exactly(markOf(name), "TXT", textOf(mark))],
    changes: [
      ...types.map((type) => none(name, type)),
      none(markOf(name), "TXT"),
    ],
  };
}

/** Changes nothing, and is made only if a name has all that it should have. */
export function toCheck(
  { zone, name, types, values }: Claim,
  mark: Mark,
): Change {
  const empty = types.filter((type) => !values.some((it) => it.type === type));
  return {
    zone,
    name,
    requires: [
      exactly(markOf(name), "TXT", textOf(mark)),
      ...values.map(({ type, data }) => exactly(name, type, data)),
      ...empty.map((type) => without(name, type)),
    ],
    changes: [],
  };
}

/** Gives a name to a VM, with exactly these values, unless it is a stranger's. */
export async function claim(
  server: NameServer,
  want: Claim,
  { signal, ...claiming }: Claiming & { readonly signal: AbortSignal },
): Promise<Claimed> {
  for (let tries = 0; tries < TRIES; tries++) {
    const found = await look(server, want, claiming.mark, signal);
    const change = toClaim(want, found, claiming);
    if (typeof change === "string") return change;
    if (await made(server, change, signal)) return "ours";
    // Without a mark now, either: the name is in use by somebody else.
    const isForeign = found.marks.length === 0 &&
      (await marksAt(server, want.name, signal)).length === 0;
    if (isForeign) return "foreign";
  }
  throw new Error(`Somebody else goes on changing "${want.name}"`);
}

/** Removes what a VM has at a name; false when the name is no longer its own. */
export async function release(
  server: NameServer,
  place: Place,
  { mark, signal }: { readonly mark: Mark; readonly signal: AbortSignal },
): Promise<boolean> {
  return await made(server, toRelease(place, mark), signal);
}

/** What a name has, by asking for it; its values only if the mark there is this one. */
export async function look(
  server: NameServer,
  { name, types }: Place,
  mark: Mark,
  signal: AbortSignal,
): Promise<Found> {
  const marks = await marksAt(server, name, signal);
  if (marks[0] !== textOf(mark)) return { marks, values: () => null };
  const values = new Map(
    await Promise.all(
      types.map(async (type) =>
        [type, await server.query(name, type, signal)] as const
      ),
    ),
  );
  return { marks, values: (type) => values.get(type) ?? null };
}

/** The name that stands beside a mark; null for what is no place of one. */
export function markedName(mark: string): string | null {
  return mark.startsWith(MARK) ? mark.slice(MARK.length) : null;
}

/** The VM that a mark of `owner` is for; null for other texts. */
export function uidOf(text: string, owner: string): string | null {
  const prefix = textOf({ owner, uid: "" });
  return text.startsWith(prefix) ? text.slice(prefix.length) : null;
}

/** What stands in a mark. */
export function textOf({ owner, uid }: Mark): string {
  return `usher=${owner} vm=${uid}`;
}

async function made(
  server: NameServer,
  { zone, requires, changes }: Change,
  signal: AbortSignal,
): Promise<boolean> {
  return await server.update(zone, requires, changes, signal) === "done";
}

async function marksAt(
  server: NameServer,
  name: string,
  signal: AbortSignal,
): Promise<string[]> {
  return await server.query(markOf(name), "TXT", signal);
}

/** Whether all is at the name that should be, and nothing else of these kinds. */
function hasAll(want: Claim, found: Found): boolean {
  return want.types.every((type) => {
    const values = found.values(type);
    const wanted = want.values.filter((it) => it.type === type)
      .map(({ data }) => canonical(type, data));
    return values !== null &&
      values.toSorted().join(" ") === wanted.toSorted().join(" ");
  });
}

const MARK = "_usher.";

function markOf(name: string): string {
  return MARK + name;
}

function isOurs(text: string, owner: string): boolean {
  return text.startsWith(`usher=${owner} `);
}

/** A condition: nothing is at this name. */
function absent(name: string): DnsRecord {
  return { name, type: "ANY", class: "NONE", ttl: 0, data: null };
}

/** A condition: the name has this of a kind, and of that kind what other conditions name. */
function exactly(name: string, type: TypeName, data: string): DnsRecord {
  return { name, type, class: "IN", ttl: 0, data };
}

/** A condition: nothing of this kind is at the name. */
function without(name: string, type: TypeName): DnsRecord {
  return { name, type, class: "NONE", ttl: 0, data: null };
}

/** A change: no records of this kind. */
function none(name: string, type: TypeName): DnsRecord {
  return { name, type, class: "ANY", ttl: 0, data: null };
}

function addition(
  name: string,
  type: TypeName,
  data: string,
  ttl: number,
): DnsRecord {
  return { name, type, class: "IN", ttl, data };
}
