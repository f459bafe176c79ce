/**
 * Commits too large for one atomic write.
 *
 * ```
 * parts ──▶ parts ──▶ last parts + "staged" ══▶ in place, batch by batch ──▶ parts removed
 *           a crash here undoes      │ durable   a crash here goes on at open
 * ```
 *
 * The record `staged` is the commit: without it parts are rubbish that
 * `recover` removes, with it they are put in place, again if need be, which
 * changes nothing.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import type { Backend } from "./backend.ts";
import { LIMITS, storeKeys } from "./key.ts";
import {
  decodeValue,
  packWrites,
  sizeOf,
  unpackWrites,
  type Write,
  writeOf,
} from "./record.ts";

/** Content of the record that makes a large commit durable. */
interface Staged {
  readonly id: string;
  readonly parts: number;
}

const PART_BYTES = 60 * 1024;

/** Whether so much needs more than one atomic write. */
export function isLarge(mutations: number, bytes: number): boolean {
  return mutations > LIMITS.mutations || bytes > LIMITS.bytes;
}

/** A large commit that is durable; `finish` puts it in place and may be repeated. */
export interface StagedCommit {
  finish(): Promise<void>;
}

/** Makes `writes` durable beside their places, under an `id` of their own. */
export async function stage(
  backend: Backend,
  writes: readonly Write[],
  id: string,
): Promise<StagedCommit> {
  const packed = packWrites(writes);
  const parts: Write[] = [];
  for (let from = 0; from < packed.length; from += PART_BYTES) {
    const key = storeKeys.part(id, parts.length);
    parts.push({
      key,
      name: JSON.stringify(key),
      bytes: packed.slice(from, from + PART_BYTES),
    });
  }
  const staged: Staged = { id, parts: parts.length };
  await writeInOrder(backend, [...parts, writeOf(storeKeys.staged(), staged)]);
  return { finish: () => finish(backend, staged, writes) };
}

async function finish(
  backend: Backend,
  { id, parts }: Staged,
  writes: readonly Write[],
): Promise<void> {
  await writeInOrder(backend, writes);
  const removals = Array.from(
    { length: parts },
    (_, index) => writeOf(storeKeys.part(id, index)),
  );
  await writeInOrder(backend, [writeOf(storeKeys.staged()), ...removals]);
}

/** Finishes the large commit that a crash interrupted, and removes parts without an end. */
export async function recover(backend: Backend): Promise<void> {
  const bytes = await backend.read(storeKeys.staged());
  if (bytes !== null) {
    const staged = decodeValue(bytes) as Staged;
    await finish(backend, staged, await readStaged(backend, staged));
  }
  await sweep(backend);
}

async function readStaged(
  backend: Backend,
  { id, parts }: Staged,
): Promise<Write[]> {
  const packed = new Uint8Array(parts * PART_BYTES);
  let length = 0;
  let found = 0;
  for await (
    const { bytes } of backend.scan(storeKeys.part(id, 0).slice(0, -1))
  ) {
    packed.set(bytes, length);
    length += bytes.length;
    found++;
  }
  if (found !== parts) {
    throw new UsherError(
      "internal",
      `Commit ${id} is durable in ${parts} parts, and ${found} of them are there`,
      { hint: "Restore the state from a backup" },
    );
  }
  return unpackWrites(packed.subarray(0, length));
}

/** Removes parts of commits that never ended; only while none is being staged. */
export async function sweep(backend: Backend): Promise<void> {
  const removals: Write[] = [];
  for await (const { key } of backend.scan(storeKeys.parts())) {
    removals.push(writeOf(key));
  }
  await writeInOrder(backend, removals);
}

async function writeInOrder(
  backend: Backend,
  writes: readonly Write[],
): Promise<void> {
  let batch: Write[] = [];
  let bytes = 0;
  for (const write of writes) {
    if (batch.length > 0 && isLarge(batch.length + 1, bytes + sizeOf(write))) {
      await backend.write(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(write);
    bytes += sizeOf(write);
  }
  if (batch.length > 0) await backend.write(batch);
}
