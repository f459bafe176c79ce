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
import type { Item } from "./rule.ts";

/** A path that belongs to a VM. */
export interface Claim {
  readonly uid: string;
  readonly root: string;
  readonly path: string;
  /** What its image takes, in MiB; nothing for a folder. */
  readonly mib: number;
}

type State = PluginContext["state"];

/** By user, so that what one user has is read at once. */
function keyOf(user: string, path: string): string {
  return `claim/${user}${path}`;
}

/** The owner of a VM, by its full name. */
export function ownerOf(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

/** The claims on a user's paths. */
export async function claimsOf(state: State, user: string): Promise<Claim[]> {
  const kept = await state.list(`claim/${user}/`);
  return kept.flatMap(({ value }) => readClaim(value) ?? []);
}

/** The claim on a path; null when it is nobody's. */
export async function claimOn(
  state: State,
  user: string,
  path: string,
): Promise<Claim | null> {
  return readClaim(await state.get(keyOf(user, path)));
}

/** Claims a path for a VM, durably. */
export async function claim(
  state: State,
  user: string,
  { root, path }: Item,
  { uid, mib }: Pick<Claim, "uid" | "mib">,
): Promise<void> {
  await state.set(keyOf(user, path), { uid, root, path, mib });
}

/** Gives a path up, if it is still this VM's. */
export async function giveUp(
  state: State,
  user: string,
  { uid, root, path, mib }: Claim,
): Promise<void> {
  const key = keyOf(user, path);
  await state.commit(
    [{ key, value: null }],
    [{ key, value: { uid, root, path, mib } }],
  );
}

function readClaim(value: Json): Claim | null {
  const { uid, root, path, mib } = (value ?? {}) as Partial<Claim>;
  const isSound = typeof uid === "string" && typeof root === "string" &&
    typeof path === "string" && typeof mib === "number";
  return isSound ? { uid, root, path, mib } : null;
}
