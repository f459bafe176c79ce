/**
 * The groups that somebody is in: those that name them, or that the server
 * names at their entry, and the groups that these are in.
 *
 * Groups may be in one another in a circle, and a directory may have any
 * number of them. So each group is looked at once, a level at a time, as many
 * levels as the configuration allows; and more groups than a login can mean
 * are an error, since half of somebody's groups may be another role.
 *
 * @module
 */
import { type Client, type Entry, NoSuchObjectError } from "ldapts";
import { filled, inFilter } from "./escape.ts";
import type { GroupOptions } from "./options.ts";

/** Whose groups are looked for. */
export interface Whose {
  readonly user: string;
  readonly dn: string;
}

/** How many groups somebody may be in. */
export const MAX_GROUPS = 1000;
/** So many that a filter of long names is still a small message. */
const NAMES_AT_ONCE = 50;

/** The names of somebody's groups, in order, and whether there may be more than `nested` allows to see. */
export async function groupsOf(
  client: Client,
  { user, dn }: Whose,
  options: GroupOptions,
): Promise<{ readonly names: string[]; readonly isCutOff: boolean }> {
  const { member_of, nested, attribute } = options;
  const above = member_of === undefined
    ? (dns: readonly string[]) => byMember(client, { user, dns }, options)
    : (dns: readonly string[]) => byEntry(client, dns, member_of, options);
  const seen = new Map<string, Entry>();
  const end = (isCutOff: boolean) => ({
    names: namesIn(seen, attribute),
    isCutOff,
  });
  let level = [dn];
  for (let depth = 0;; depth++) {
    const fresh = new Map(
      (await above(level)).map((it) => [keyOf(it.dn), it] as const)
        .filter(([key]) => !seen.has(key)),
    );
    if (fresh.size === 0) return end(false);
    // One look further than allowed has told that something is left out.
    if (depth > nested) return end(true);
    for (const [key, entry] of fresh) seen.set(key, entry);
    if (seen.size > MAX_GROUPS) {
      throw new Error(`"${user}" is in more than ${MAX_GROUPS} groups`);
    }
    // Whoever wants no groups of groups does not pay for a look at them.
    if (nested === 0) return end(false);
    level = [...fresh.values()].map((it) => it.dn);
  }
}

function namesIn(
  groups: ReadonlyMap<string, Entry>,
  attribute: string,
): string[] {
  const names = [...groups.values()].flatMap((it) => textsOf(it, attribute));
  return [...new Set(names)].toSorted();
}

/** Groups that have one of `dns` as a member. */
async function byMember(
  client: Client,
  { user, dns }: { readonly user: string; readonly dns: readonly string[] },
  { base = "", filter = MEMBER_FILTER, attribute }: GroupOptions,
): Promise<Entry[]> {
  const found: Entry[] = [];
  for (let at = 0; at < dns.length; at += NAMES_AT_ONCE) {
    const parts = dns.slice(at, at + NAMES_AT_ONCE)
      .map((dn) => filled(filter, { user, dn }, inFilter));
    const { searchEntries } = await client.search(base, {
      scope: "sub",
      filter: `(|${parts.join("")})`,
      attributes: [attribute],
      sizeLimit: MAX_GROUPS,
    });
    found.push(...searchEntries);
  }
  return found;
}

/** Groups that the server names at the entries of `dns`. */
async function byEntry(
  client: Client,
  dns: readonly string[],
  memberOf: string,
  { base, attribute }: GroupOptions,
): Promise<Entry[]> {
  const named = new Map<string, string>();
  for (const dn of dns) {
    const entry = await read(client, dn, memberOf);
    for (const group of entry === null ? [] : textsOf(entry, memberOf)) {
      if (base === undefined || isBelow(group, base)) {
        named.set(keyOf(group), group);
      }
    }
    if (named.size > MAX_GROUPS) break;
  }
  const groups: Entry[] = [];
  for (const dn of named.values()) {
    const entry = await read(client, dn, attribute);
    // One that is removed meanwhile is none.
    if (entry !== null) groups.push(entry);
  }
  return groups;
}

async function read(
  client: Client,
  dn: string,
  attribute: string,
): Promise<Entry | null> {
  try {
    const { searchEntries } = await client.search(dn, {
      scope: "base",
      attributes: [attribute],
    });
    return searchEntries[0] ?? null;
  } catch (error) {
    if (error instanceof NoSuchObjectError) return null;
    throw error;
  }
}

/** What groups are found by unless the configuration says otherwise. */
export const MEMBER_FILTER = "(member={dn})";

/** Whether an entry lies below another, or is it. */
export function isBelow(dn: string, base: string): boolean {
  const [own, above] = [keyOf(dn), keyOf(base)];
  return above === "" || own === above || own.endsWith(`,${above}`);
}

/** A name as it is compared: servers differ in case and in blanks after commas. */
export function keyOf(dn: string): string {
  return dn.toLowerCase().replaceAll(/(?<!\\)\s*([,=+])\s*/g, "$1").trim();
}

function textsOf(entry: Entry, attribute: string): string[] {
  const wanted = attribute.toLowerCase();
  const found = Object.entries(entry)
    .find(([key]) => key.toLowerCase() === wanted);
  return [found?.[1] ?? []].flat().map(String);
}
