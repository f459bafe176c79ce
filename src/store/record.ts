/**
 * Records as bytes: JSON, so that a value's size is known before it is
 * written and an old database can be read by anything.
 *
 * A commit is encoded when it is asked for, so its caller may change the
 * values afterwards.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import { LIMITS, STORE_PREFIX } from "./key.ts";
import type { Key, Mutation } from "./store.ts";

/** One record to set, or to delete where `bytes` is null. */
export interface Write {
  readonly key: Key;
  /** The key as JSON: equal for equal keys, which arrays are not. */
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer> | null;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const NEWLINE = 10;

/** The write that `mutation` asks for; refuses what no database would take. */
export function encodeMutation(mutation: Mutation): Write {
  const { key } = mutation;
  const name = JSON.stringify(key);
  checkKey(key, name);
  if (mutation.type === "delete") return { key, name, bytes: null };
  const text = JSON.stringify(mutation.value);
  if (text === undefined) {
    throw new UsherError(
      "internal",
      `Cannot store ${name}: its value is not JSON`,
    );
  }
  const bytes = encoder.encode(text);
  if (bytes.length > LIMITS.valueBytes) {
    throw new UsherError(
      "internal",
      `Cannot store ${name}: its value has ${bytes.length} bytes, the limit is ${LIMITS.valueBytes}`,
    );
  }
  return { key, name, bytes };
}

function checkKey(key: Key, name: string): void {
  if (key.length === 0 || key[0] === STORE_PREFIX) {
    throw new UsherError(
      "internal",
      `Cannot store ${name}: such keys belong to the store`,
    );
  }
  if (!key.every((part) => typeof part === "string" || Number.isFinite(part))) {
    throw new UsherError(
      "internal",
      `Cannot store ${name}: a key has strings and numbers only`,
    );
  }
  if (
    name.length > LIMITS.keyBytes / 3 &&
    encoder.encode(name).length > LIMITS.keyBytes
  ) {
    throw new UsherError(
      "internal",
      `Cannot store ${name.slice(0, 80)}…: the key is too long`,
    );
  }
}

/** A write of the store's own. */
export function writeOf(key: Key, value?: unknown): Write {
  const bytes = value === undefined
    ? null
    : encoder.encode(JSON.stringify(value));
  return { key, name: JSON.stringify(key), bytes };
}

/** The value that `bytes` stand for. */
export function decodeValue(bytes: Uint8Array): unknown {
  return JSON.parse(decoder.decode(bytes));
}

/** How much of an atomic write's limit `write` takes. */
export function sizeOf(write: Write): number {
  return write.name.length + (write.bytes?.length ?? 0);
}

/** The writes with only the last one for each key, in order. */
export function lastOfEach(writes: readonly Write[]): readonly Write[] {
  const last = new Map<string, Write>();
  for (const write of writes) last.set(write.name, write);
  return last.size === writes.length ? writes : [...last.values()];
}

/** Writes as one run of bytes, a line each: `[key]` deletes, `[key,value]` sets. */
export function packWrites(writes: readonly Write[]): Uint8Array<ArrayBuffer> {
  const heads = writes.map(({ name, bytes }) =>
    encoder.encode(bytes === null ? `[${name}` : `[${name},`)
  );
  const tail = encoder.encode("]\n");
  const total = writes.reduce(
    (sum, { bytes }, i) =>
      sum + (heads[i]?.length ?? 0) + (bytes?.length ?? 0) + tail.length,
    0,
  );
  const packed = new Uint8Array(total);
  let at = 0;
  function put(bytes: Uint8Array): void {
    packed.set(bytes, at);
    at += bytes.length;
  }
  for (const [i, { bytes }] of writes.entries()) {
    put(heads[i] ?? new Uint8Array());
    if (bytes !== null) put(bytes);
    put(tail);
  }
  return packed;
}

/** The writes that `packWrites` packed. */
export function unpackWrites(packed: Uint8Array): Write[] {
  const writes: Write[] = [];
  for (let from = 0; from < packed.length;) {
    const to = packed.indexOf(NEWLINE, from);
    const [key, ...value] = JSON.parse(
      decoder.decode(packed.subarray(from, to)),
    ) as [Key, ...unknown[]];
    writes.push(writeOf(key, value[0]));
    from = to + 1;
  }
  return writes;
}
