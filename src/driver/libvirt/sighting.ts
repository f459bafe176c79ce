/**
 * What libvirt has, in one look: each domain with its state, as `virsh list`
 * and `virsh domstats` print it.
 *
 * Both come from one virsh, and neither asks a QEMU anything, so that one which
 * hangs keeps nobody waiting. Lines that are not of the expected shape, such as
 * warnings, are passed over.
 *
 * @module
 */
import type { Virsh } from "./virsh.ts";

/** One domain, as libvirt sees it. */
export interface Sighting {
  readonly uuid: string;
  readonly name: string;
  /** virDomainState */
  readonly state: number;
  /** virDomainRunningReason and its like; what it means hangs on the state. */
  readonly reason: number;
  /**
   * Whether libvirt keeps its memory, from which a start would go on
   * (`managedsave`). The reason does not tell: libvirt forgets that with its own
   * end, and has the same one for a domain that was saved to a file.
   */
  readonly isSaved: boolean;
}

/** The commands of a look; fixed words. */
const LOOK =
  "list --all --uuid --name; list --all --with-managed-save --uuid; domstats --state";

/** Every domain that the daemon knows, by UUID. */
export async function lookAround(
  virsh: Virsh,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Sighting>> {
  return readSightings(await virsh.ask([LOOK], signal));
}

/** Reads what the commands of a look print. */
export function readSightings(text: string): ReadonlyMap<string, Sighting> {
  const uuids = new Map<string, string>();
  const saved = new Set<string>();
  const found = new Map<string, Sighting>();
  let name: string | null = null;
  let state = 0;
  for (const line of text.split("\n")) {
    const listed = LISTED.exec(line);
    if (listed !== null) uuids.set(listed[2]!, listed[1]!);
    else if (UUID.test(line)) saved.add(line.trim());
    name = /^Domain: '(.*)'$/.exec(line)?.[1] ?? name;
    const [, key, value] = /^ {2}state\.(state|reason)=(\d+)$/.exec(line) ?? [];
    if (key === "state") state = Number(value);
    const uuid = name === null ? undefined : uuids.get(name);
    if (key !== "reason" || name === null || uuid === undefined) continue;
    const isSaved = saved.has(uuid);
    found.set(uuid, { uuid, name, state, reason: Number(value), isSaved });
  }
  return found;
}

const LISTED = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) (.+?) *$/;
/** Alone it stands for a domain that is saved. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12} *$/;
