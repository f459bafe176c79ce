/**
 * VMs by all that may be written for one of them: the full name, the first or
 * the first two parts of it, the beginning of its uid; and those of one user.
 *
 * Kept as VMs come and go, since every request with a new name asks whether it
 * means one that is there.
 *
 * @module
 */
import { splitVmName } from "../../schema/name.ts";

/** The shortest beginning of a uid that is looked up: the first ten digits are time. */
export const MIN_PREFIX = 6;

/** Names and the uids that they stand for. */
export class VmNames {
  readonly #byName = new Map<string, string>();
  /** By `vm` and by `vm.cluster`. */
  readonly #byShortName = new Map<string, Set<string>>();
  readonly #byPrefix = new Map<string, Set<string>>();
  readonly #byUser = new Map<string, Set<string>>();

  /** The uid of the VM with this full name. */
  uidOf(name: string): string | undefined {
    return this.#byName.get(name);
  }

  /** Uids of the VMs that `text`, of one to three parts, is a name of. */
  named(text: string): readonly string[] {
    const whole = this.#byName.get(text);
    if (whole !== undefined) return [whole];
    return [...this.#byShortName.get(text) ?? []];
  }

  /** Uids of the VMs of a user. */
  ofUser(user: string): Iterable<string> {
    return this.#byUser.get(user) ?? [];
  }

  /** Uids that begin so; none for a beginning that is too short. */
  beginning(text: string): readonly string[] {
    const near = this.#byPrefix.get(text.slice(0, MIN_PREFIX)) ?? [];
    return [...near].filter((uid) => uid.startsWith(text));
  }

  /** Notes that `uid` has this full name. */
  set(name: string, uid: string): void {
    if (this.#byName.get(name) === uid) return;
    this.delete(name);
    this.#byName.set(name, uid);
    for (const short of shortNamesOf(name)) add(this.#byShortName, short, uid);
    add(this.#byPrefix, uid.slice(0, MIN_PREFIX), uid);
    add(this.#byUser, splitVmName(name).user, uid);
  }

  /** Forgets a full name. */
  delete(name: string): void {
    const uid = this.#byName.get(name);
    if (uid === undefined) return;
    this.#byName.delete(name);
    for (const short of shortNamesOf(name)) {
      remove(this.#byShortName, short, uid);
    }
    remove(this.#byPrefix, uid.slice(0, MIN_PREFIX), uid);
    remove(this.#byUser, splitVmName(name).user, uid);
  }
}

function shortNamesOf(name: string): readonly string[] {
  const { vm, cluster } = splitVmName(name);
  return [vm, `${vm}.${cluster}`];
}

function add(map: Map<string, Set<string>>, key: string, uid: string): void {
  const uids = map.get(key);
  if (uids === undefined) map.set(key, new Set([uid]));
  else uids.add(uid);
}

function remove(map: Map<string, Set<string>>, key: string, uid: string): void {
  const uids = map.get(key);
  uids?.delete(uid);
  if (uids?.size === 0) map.delete(key);
}
