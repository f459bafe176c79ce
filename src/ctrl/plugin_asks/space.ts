/**
 * The small durable space of each plugin: JSON under keys of its own, read
 * from memory, written before the write is answered.
 *
 * What `commit` expects is compared with what was written last, durable or
 * not, so two handlers never both win; what `get` answers is durable. A plugin
 * that goes leaves its space, since it may come back: `remove` ends it.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { PluginValue } from "../../schema/stored.ts";
import { keys } from "../../store/key.ts";
import type { Mutation, Store } from "../../store/store.ts";
import { Table } from "../records/table.ts";
import { SortedKeys } from "./sorted_keys.ts";

/** How much one plugin may keep. */
export const SPACE_LIMITS = {
  /** Of one value as JSON: with its key it must fit into a record of 64 KiB. */
  valueBytes: 62 * 1024,
  /** Of one key, in UTF-8. */
  keyBytes: 512,
  keys: 100_000,
  /** Of all keys and values together. */
  bytes: 32 * 1024 * 1024,
};

/** How much one plugin may keep. */
export type SpaceLimits = Readonly<typeof SPACE_LIMITS>;

/** JSON, as it crosses the border of a plugin. */
export type Json = PluginValue["value"];

/** One value to keep; null is the same as none. */
export interface Change {
  readonly key: string;
  readonly value: Json;
}

/** A value as it is kept here: its text, so that nobody changes it unseen. */
interface Kept {
  readonly text: string;
  readonly bytes: number;
}

const encoder = new TextEncoder();

/** The spaces of all plugins. */
export class PluginSpaces {
  readonly #commit: Store["commit"];
  readonly #limits: SpaceLimits;
  readonly #spaces = new Map<string, Space>();

  private constructor(commit: Store["commit"], limits: SpaceLimits) {
    this.#commit = commit;
    this.#limits = limits;
  }

  /** Reads what plugins keep; `commit` makes writes durable. */
  static async load(
    store: Pick<Store, "list" | "commit">,
    limits: SpaceLimits = SPACE_LIMITS,
  ): Promise<PluginSpaces> {
    const commit: Store["commit"] = (mutations) => store.commit(mutations);
    const spaces = new PluginSpaces(commit, limits);
    for await (const { value } of store.list(keys.pluginValues())) {
      const kept = PluginValue.parse(value);
      spaces.of(kept.plugin).load(kept.key, kept.value);
    }
    return spaces;
  }

  /** The space of a plugin; empty when it has kept nothing yet. */
  of(plugin: string): Space {
    let space = this.#spaces.get(plugin);
    if (space === undefined) {
      space = new Space(plugin, this.#commit, this.#limits);
      this.#spaces.set(plugin, space);
    }
    return space;
  }

  /** Forgets all that a plugin has kept; answers how many keys there were. */
  async remove(plugin: string): Promise<number> {
    const space = this.of(plugin);
    const all = space.list("").map(({ key }) => ({ key, value: null }));
    for (let from = 0; from < all.length; from += REMOVED_AT_ONCE) {
      await space.commit(all.slice(from, from + REMOVED_AT_ONCE), []);
    }
    return all.length;
  }
}

const REMOVED_AT_ONCE = 400;

/** The space of one plugin. */
export class Space {
  readonly #plugin: string;
  readonly #commit: Store["commit"];
  readonly #limits: SpaceLimits;
  readonly #table = new Table<Kept>();
  /** Of what is durable. */
  readonly #sorted = new SortedKeys();
  /** Of all that was written, durable or not. */
  #keys = 0;
  #bytes = 0;

  constructor(
    plugin: string,
    commit: Store["commit"],
    limits: SpaceLimits,
  ) {
    this.#plugin = plugin;
    this.#commit = commit;
    this.#limits = limits;
  }

  /** Takes what the store holds, at start. */
  load(key: string, value: Json): void {
    const kept = keptOf(value);
    this.#table.load(key, kept);
    this.#sorted.add(key);
    this.#keys++;
    this.#bytes += sizeOf(key, kept);
  }

  /** The durable value; null when there is none. */
  get(key: string): Json {
    const kept = this.#table.get(key);
    return kept === undefined ? null : JSON.parse(kept.text);
  }

  /** How many bytes of values keys beginning so have, without reading them. */
  sizeUnder(prefix: string): { readonly keys: number; readonly bytes: number } {
    let [count, bytes] = [0, 0];
    for (const key of this.#sorted.beginning(prefix)) {
      count++;
      bytes += this.#table.get(key)?.bytes ?? 0;
    }
    return { keys: count, bytes };
  }

  /** Keys that begin so, and their values, in the order of the keys. */
  list(prefix: string): Change[] {
    return [...this.#sorted.beginning(prefix)].map((key) => ({
      key,
      value: this.get(key),
    }));
  }

  /**
   * Sets every key, or none when one is not as expected: then it answers
   * false. Throws `invalid_input` for a value or key that is too large, and
   * `insufficient_resources` when the space is full.
   */
  async commit(
    changes: readonly Change[],
    expect: readonly Change[],
  ): Promise<boolean> {
    if (!expect.every((one) => this.#isAs(one))) return false;
    // The last one of each key counts.
    const news = new Map(changes.map(({ key, value }) => [key, value]));
    const kept = [...news].map(([key, value]) =>
      [key, this.#checked(key, value)] as const
    );
    this.#refuseFull(kept);
    if (kept.length === 0) return true;
    const drafts = kept.map(([key, value]) => ({
      key,
      value,
      undo: this.#count(key, value),
      ticket: this.#table.draft(key, value),
    }));
    try {
      await this.#commit(
        [...news].map(([key, value]) => this.#mutation(key, value)),
      );
    } catch (error) {
      for (const { key, ticket, undo } of drafts) {
        this.#table.discard(key, ticket);
        undo();
      }
      throw error;
    }
    for (const { key, value, ticket } of drafts) {
      this.#table.settle(key, value, ticket);
      if (value === null) this.#sorted.delete(key);
      else this.#sorted.add(key);
    }
    return true;
  }

  #isAs({ key, value }: Change): boolean {
    const now = this.#table.latest(key);
    if (now === undefined || value === null) {
      return now === undefined && value === null;
    }
    return canonical(JSON.parse(now.text)) === canonical(value);
  }

  #checked(key: string, value: Json): Kept | null {
    const keyBytes = encoder.encode(key).length;
    // Control characters take six bytes each where the key is kept.
    if (keyBytes > this.#limits.keyBytes || /\p{Cc}/u.test(key)) {
      throw new UsherError(
        "invalid_input",
        `Plugin "${this.#plugin}" may not keep a value under the key "${
          key.slice(0, 40)
        }${key.length > 40 ? "…" : ""}"`,
        {
          field: "key",
          hint:
            `a key has ${this.#limits.keyBytes} bytes at most, and no control characters`,
        },
      );
    }
    if (value === null) return null;
    const kept = keptOf(value);
    if (kept.bytes <= this.#limits.valueBytes) return kept;
    throw new UsherError(
      "invalid_input",
      `Plugin "${this.#plugin}" may not keep ${kept.bytes} bytes under the key "${key}"`,
      {
        field: "value",
        hint:
          `${this.#limits.valueBytes} bytes of JSON are the most for one key`,
      },
    );
  }

  #refuseFull(kept: readonly (readonly [string, Kept | null])[]): void {
    let [count, bytes] = [this.#keys, this.#bytes];
    for (const [key, value] of kept) {
      const now = this.#table.latest(key);
      count += Number(value !== null) - Number(now !== undefined);
      bytes += (value === null ? 0 : sizeOf(key, value)) -
        (now === undefined ? 0 : sizeOf(key, now));
    }
    // What makes it smaller is always allowed.
    const isMoreKeys = count > this.#keys && count > this.#limits.keys;
    const isMoreBytes = bytes > this.#bytes && bytes > this.#limits.bytes;
    if (!isMoreKeys && !isMoreBytes) return;
    throw new UsherError(
      "insufficient_resources",
      `Plugin "${this.#plugin}" may not keep more: it has ${this.#keys} keys and ${this.#bytes} bytes`,
      {
        subject: this.#plugin,
        hint:
          `${this.#limits.keys} keys and ${this.#limits.bytes} bytes are the most: delete what is not needed`,
      },
    );
  }

  /** Counts a value that is written; answers how to take that back. */
  #count(key: string, value: Kept | null): () => void {
    const before = this.#table.latest(key);
    const more = Number(value !== null) - Number(before !== undefined);
    const bytes = (value === null ? 0 : sizeOf(key, value)) -
      (before === undefined ? 0 : sizeOf(key, before));
    this.#keys += more;
    this.#bytes += bytes;
    return () => {
      this.#keys -= more;
      this.#bytes -= bytes;
    };
  }

  #mutation(key: string, value: Json): Mutation {
    const at = keys.pluginValue(this.#plugin, key);
    if (value === null) return { type: "delete", key: at };
    const record: PluginValue = { v: 1, plugin: this.#plugin, key, value };
    return { type: "set", key: at, value: record };
  }
}

function keptOf(value: Json): Kept {
  const text = JSON.stringify(value);
  return { text, bytes: encoder.encode(text).length };
}

function sizeOf(key: string, { bytes }: Kept): number {
  return key.length + bytes;
}

/** The same text for values that differ in the order of their keys alone. */
function canonical(value: Json): string {
  return JSON.stringify(
    value,
    (_, part: unknown) =>
      typeof part === "object" && part !== null && !Array.isArray(part)
        ? Object.fromEntries(
          Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1),
        )
        : part,
  );
}
