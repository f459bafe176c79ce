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

/** Who marks names, and for which VM. */
export interface Mark {
  /** Tells the names of one site from those of another in the same zone. */
  readonly owner: string;
  readonly uid: string;
}

/** A name, and the VM that it is marked for. */
export interface Marked {
  readonly zone: string;
  readonly name: string;
  readonly uid: string;
}

/** What became of a name. */
export type Claimed = "ours" | "foreign" | "unchanged";

/** How often to look again when somebody else was quicker. */
const TRIES = 5;

/** Gives a name to a VM, with exactly these values, unless it is a stranger's. */
export async function claim(
  server: NameServer,
  want: Claim,
  { mark, ttl, signal }: {
    readonly mark: Mark;
    readonly ttl: number;
    readonly signal: AbortSignal;
  },
): Promise<Claimed> {
  const marked = markOf(want.name);
  for (let tries = 0; tries < TRIES; tries++) {
    const seen = await server.query(marked, "TXT", signal);
    const [text] = seen;
    if (seen.some((it) => !isOurs(it, mark.owner))) return "foreign";
    if (text === textOf(mark) && await has(server, want, signal)) {
      return "unchanged";
    }
    const outcome = await server.update(
      want.zone,
      text === undefined
        ? [absent(want.name), absent(marked)]
        : [exactly(marked, text)],
      [
        ...want.types.map((type) => none(want.name, type)),
        ...want.values.map(({ type, data }) =>
          added(want.name, type, data, ttl)
        ),
        none(marked, "TXT"),
        added(marked, "TXT", textOf(mark), ttl),
      ],
      signal,
    );
    if (outcome === "done") return "ours";
    // Without a mark now, either: the name is in use by somebody else.
    const isForeign = text === undefined &&
      (await server.query(marked, "TXT", signal)).length === 0;
    if (isForeign) return "foreign";
  }
  throw new Error(`Somebody else goes on changing "${want.name}"`);
}

/** Removes what a VM has at a name; false when the name is no longer its own. */
export async function release(
  server: NameServer,
  { zone, name, types }: Omit<Claim, "values">,
  { mark, signal }: { readonly mark: Mark; readonly signal: AbortSignal },
): Promise<boolean> {
  const marked = markOf(name);
  const outcome = await server.update(
    zone,
    [exactly(marked, textOf(mark))],
    [...types.map((type) => none(name, type)), none(marked, "TXT")],
    signal,
  );
  return outcome === "done";
}

/** All names of a zone that are marked as `owner`'s. Throws when the server does not tell. */
export async function markedIn(
  server: NameServer,
  zone: string,
  { owner, signal }: { readonly owner: string; readonly signal: AbortSignal },
): Promise<Marked[]> {
  const marked: Marked[] = [];
  await server.transfer(zone, ({ name: at, type, data }) => {
    if (type !== "TXT" || data === null) return;
    const [name, uid] = [markedName(at), uidOf(data, owner)];
    if (name !== null && uid !== null) marked.push({ zone, name, uid });
  }, signal);
  return marked;
}

/** Whether all is at the name that should be, and nothing else of these kinds. */
async function has(
  server: NameServer,
  want: Claim,
  signal: AbortSignal,
): Promise<boolean> {
  for (const type of want.types) {
    const values = await server.query(want.name, type, signal);
    const wanted = want.values.filter((it) => it.type === type)
      .map(({ data }) => canonical(type, data));
    if (values.toSorted().join(" ") !== wanted.toSorted().join(" ")) {
      return false;
    }
  }
  return true;
}

const MARK = "_usher.";

function markOf(name: string): string {
  return MARK + name;
}

/** The name that stands beside a mark; null for what is no place of one. */
function markedName(mark: string): string | null {
  return mark.startsWith(MARK) ? mark.slice(MARK.length) : null;
}

/** The VM that a mark of `owner` is for; null for other texts. */
function uidOf(text: string, owner: string): string | null {
  const prefix = textOf({ owner, uid: "" });
  return text.startsWith(prefix) ? text.slice(prefix.length) : null;
}

function textOf({ owner, uid }: Mark): string {
  return `usher=${owner} vm=${uid}`;
}

function isOurs(text: string, owner: string): boolean {
  return text.startsWith(`usher=${owner} `);
}

/** A condition: nothing is at this name. */
function absent(name: string): DnsRecord {
  return { name, type: "ANY", class: "NONE", ttl: 0, data: null };
}

/** A condition: the name has this mark and no other text. */
function exactly(name: string, text: string): DnsRecord {
  return { name, type: "TXT", class: "IN", ttl: 0, data: text };
}

/** A change: no records of this kind. */
function none(name: string, type: TypeName): DnsRecord {
  return { name, type, class: "ANY", ttl: 0, data: null };
}

function added(
  name: string,
  type: TypeName,
  data: string,
  ttl: number,
): DnsRecord {
  return { name, type, class: "IN", ttl, data };
}
