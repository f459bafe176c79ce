/**
 * Zones that were read as a whole: what they have of this site's names.
 *
 * It ages, and need not be right: every change is conditional on what was
 * seen, and who finds it otherwise looks again.
 *
 * @module
 */
import type { TypeName } from "./message.ts";
import type { NameServer } from "./name_server.ts";
import { type Change, type Found, markedName, uidOf } from "./ownership.ts";

/** A name, and the VM that it is marked for. */
export interface Marked {
  readonly zone: string;
  readonly name: string;
  readonly uid: string;
}

const NONE: readonly string[] = [];

/** Zones that were read as a whole. */
export class ReadZones {
  /** Texts at the places of marks, by the name beside them. */
  readonly #marks = new Map<string, string[]>();
  readonly #zones = new Map<string, string>();
  /** By kind and name, of the names that are wanted. */
  readonly #values = new Map<string, string[]>();

  /** Reads them; values of `wanted` names alone are kept, since a zone may be large. */
  static async read(
    server: NameServer,
    zones: Iterable<string>,
    { wanted, signal }: {
      readonly wanted: ReadonlySet<string>;
      readonly signal: AbortSignal;
    },
  ): Promise<ReadZones> {
    const read = new ReadZones();
    for (const zone of zones) {
      await server.transfer(zone, ({ name: at, type, data }) => {
        if (data === null) return;
        const marked = type === "TXT" ? markedName(at) : null;
        if (marked !== null) {
          push(read.#marks, marked, data);
          read.#zones.set(marked, zone);
        } else if (wanted.has(at)) push(read.#values, keyOf(type, at), data);
      }, signal);
    }
    return read;
  }

  /** Names that are marked as `owner`'s. */
  markedOf(owner: string): Marked[] {
    const all: Marked[] = [];
    for (const [name, texts] of this.#marks) {
      const zone = this.#zones.get(name) ?? "";
      for (const text of texts) {
        const uid = uidOf(text, owner);
        if (uid !== null) all.push({ zone, name, uid });
      }
    }
    return all;
  }

  /** What a wanted name has. */
  at(name: string): Found {
    const at = name.toLowerCase();
    return {
      marks: this.#marks.get(at) ?? NONE,
      values: (type) => this.#values.get(keyOf(type, at)) ?? NONE,
    };
  }

  /** A change was made. */
  took({ zone, changes }: Change): void {
    for (const { class: what, type, name: at, data } of changes) {
      const marked = type === "TXT" ? markedName(at) : null;
      const [map, key] = marked !== null
        ? [this.#marks, marked] as const
        : [this.#values, keyOf(type, at)] as const;
      if (what === "ANY") map.delete(key);
      else if (data !== null) push(map, key, data);
      if (marked !== null) this.#zones.set(marked, zone);
    }
  }
}

function keyOf(type: TypeName, name: string): string {
  return `${type} ${name}`;
}

function push(map: Map<string, string[]>, key: string, value: string): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}
