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

/** What is written down of a VM; null for nothing. */
export async function entryOf(
  uid: string,
  state: State,
): Promise<Entry | null> {
  return pageOf(await state.get(keyOf(uid)))[uid] ?? null;
}

/** Writes it down, or strikes it out; durable when it resolves. */
export async function writeEntry(
  uid: string,
  entry: Entry | null,
  state: State,
): Promise<void> {
  const key = keyOf(uid);
  // Each try that fails is one of somebody else that did not.
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const before = await state.get(key);
    const { [uid]: _, ...others } = pageOf(before);
    const page = entry === null ? others : { ...others, [uid]: entry };
    const value = Object.keys(page).length === 0
      ? null
      : page as unknown as Json;
    if (await state.commit([{ key, value }], [{ key, value: before }])) return;
  }
  throw new Error(`Somebody else goes on writing "${key}"`);
}

/** Names of all VMs of which something is written down, by uid. */
export async function allNames(state: State): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const first of DIGITS) {
    for (const { value } of await state.list(PREFIX + first)) {
      for (const [uid, { vm }] of Object.entries(pageOf(value))) {
        names.set(uid, vm);
      }
    }
  }
  return names;
}

/** The digits of uids. */
const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";

/** The last two digits of a uid are random: a thousand pages. */
function keyOf(uid: string): string {
  return PREFIX + uid.slice(-2);
}

function pageOf(value: Json): Page {
  return (value ?? {}) as unknown as Page;
}
