/**
 * Claims: which path belongs to which VM, in the plugin's own space.
 *
 * A claim is durable before its path is made and goes after it is removed, so
 * after any crash it is known whose work was under way. Nothing is removed
 * without one: what was there before, or belongs to a VM that was made anew
 * under the same name, is not this VM's. The claim is not a file beside the
 * data, since whoever may write there could change it.
 *
 * @module
 */
import type { Json, PluginContext } from "@usher/plugin";

/** A path that belongs to a VM. */
export interface Claim {
  readonly uid: string;
  /** The VM's full name. */
  readonly name: string;
  readonly root: string;
  readonly path: string;
  /** What its image takes, in MiB; nothing for a folder. */
  readonly mib: number;
}

type State = PluginContext["state"];

/** By user, so that what one user has is read at once. */
function prefixOf(name: string): string {
  return `claim/${ownerOf(name)}`;
}

/** The owner of a VM, by its full name. */
export function ownerOf(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

/** All claims of the owner of the VM of this name. */
export async function claimsBeside(
  state: State,
  name: string,
): Promise<Claim[]> {
  const prefix = prefixOf(name);
  const kept = await state.list(`${prefix}/`);
  return kept.flatMap(({ key, value }) =>
    readClaim(key.slice(prefix.length), value) ?? []
  );
}

/** The claim on a path; null when it is nobody's. */
export async function claimOn(
  state: State,
  name: string,
  path: string,
): Promise<Claim | null> {
  return readClaim(path, await state.get(prefixOf(name) + path));
}

/** Claims a path for a VM, durably. */
export async function claim(
  state: State,
  { uid, name, root, path, mib }: Claim,
): Promise<void> {
  await state.set(prefixOf(name) + path, { uid, name, root, mib });
}

/** Gives a path up, if it is still this VM's. */
export async function giveUp(
  state: State,
  { uid, name, root, path, mib }: Claim,
): Promise<void> {
  const key = prefixOf(name) + path;
  await state.commit(
    [{ key, value: null }],
    [{ key, value: { uid, name, root, mib } }],
  );
}

function readClaim(path: string, value: Json): Claim | null {
  const { uid, name, root, mib } = (value ?? {}) as Partial<Claim>;
  const isSound = typeof uid === "string" && typeof name === "string" &&
    typeof root === "string" && typeof mib === "number";
  return isSound ? { uid, name, root, path, mib } : null;
}
