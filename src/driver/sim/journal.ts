/**
 * Where simulated domains survive the LNM: one file of lines, each the newest
 * record of a domain, the word that it is gone, or the end of the node's lease.
 *
 * Compacted when it is opened and mostly old. Nothing is synced: what must
 * survive is this process, and a machine that loses its power loses its
 * domains as well.
 *
 * @module
 */
import { AppendFile } from "../../sys/append_file.ts";
import { makeFolder, readTextOrNull, writeDurably } from "../../sys/file.ts";
import type { SimDomain } from "./domain_record.ts";

/** Version of a line's shape. */
const VERSION = 1;
/** A journal is rewritten when it has more than twice as many lines as domains, and this many more. */
const SLACK = 1000;

/** What a record holds unless its line says otherwise. */
const USUAL = {
  uid: null,
  handle: null,
  phase: "running",
  reason: "",
  bootDue: null,
  crashDue: null,
  shutdownDue: null,
  pausedAt: null,
  pausedMs: 0,
  move: null,
  disks: 0,
  nics: 0,
  knobs: Object.freeze({}),
} as const satisfies Partial<SimDomain>;

type UsualKey = keyof typeof USUAL;
type Short = Omit<SimDomain, UsualKey> & Partial<Pick<SimDomain, UsualKey>>;

type Line =
  | { readonly v: typeof VERSION; readonly put: Short }
  | { readonly v: typeof VERSION; readonly gone: string }
  | { readonly v: typeof VERSION; readonly lease: number };

/** What a journal knows. */
export interface Kept {
  readonly domains: Map<string, SimDomain>;
  /** The end of the node's lease; null when it never had one. */
  readonly lease: number | null;
}

/** The journal of one node's simulated domains. */
export interface Journal extends Disposable {
  put(domain: SimDomain): void;
  gone(domain: string): void;
  lease(end: number): void;
}

/** A journal that forgets, for nodes without a state directory. */
export const noJournal: Journal = {
  put() {},
  gone() {},
  lease() {},
  [Symbol.dispose]() {},
};

/** Opens the journal in `stateDir`, with what it knows. */
export async function openJournal(
  stateDir: string,
): Promise<Kept & { readonly journal: Journal }> {
  await makeFolder(stateDir);
  const path = `${stateDir}/domains.ndjson`;
  const text = await readTextOrNull(path) ?? "";
  const { domains, lease, lines, kept } = replay(text);
  if (lines > 2 * domains.size + SLACK) {
    await writeDurably(
      path,
      [
        ...[...domains.values()].map(putLine),
        ...(lease === null ? [] : [leaseLine(lease)]),
      ].map((line) => `${line}\n`).join(""),
    );
    return { journal: journalIn(AppendFile.open(path)), domains, lease };
  }
  return { journal: journalIn(AppendFile.open(path, kept)), domains, lease };
}

function journalIn(file: AppendFile): Journal {
  return {
    put: (domain) => file.append(putLine(domain)),
    gone: (domain) =>
      file.append(JSON.stringify({ v: VERSION, gone: domain } satisfies Line)),
    lease: (end) => file.append(leaseLine(end)),
    [Symbol.dispose]: () => file[Symbol.dispose](),
  };
}

function leaseLine(lease: number): string {
  return JSON.stringify({ v: VERSION, lease } satisfies Line);
}

function putLine(domain: SimDomain): string {
  const put: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(domain)) {
    if (!isUsual(key, value)) put[key] = value;
  }
  return JSON.stringify({ v: VERSION, put });
}

function isUsual(key: string, value: unknown): boolean {
  if (key === "knobs") return Object.keys(value as object).length === 0;
  return key in USUAL && value === USUAL[key as UsualKey];
}

/** Reads the whole lines of `text`; `kept` is how many bytes they take. */
function replay(
  text: string,
): Kept & { lines: number; kept: number } {
  const domains = new Map<string, SimDomain>();
  let lease: number | null = null;
  let lines = 0;
  let from = 0;
  for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
    const line = parseLine(text.slice(from, end));
    if (line !== null && "put" in line) {
      domains.set(line.put.domain, { ...USUAL, ...line.put });
    }
    if (line !== null && "gone" in line) domains.delete(line.gone);
    if (line !== null && "lease" in line) lease = line.lease;
    lines++;
    from = end + 1;
  }
  return {
    domains,
    lease,
    lines,
    kept: new TextEncoder().encode(text.slice(0, from)).length,
  };
}

/** A line, or null for one that a damaged file or another version left. */
function parseLine(text: string): Line | null {
  try {
    const line: Line = JSON.parse(text);
    return line.v === VERSION ? line : null;
  } catch {
    return null;
  }
}
