/**
 * Restoring a backup into a state directory that is empty.
 *
 * The file is read twice: once to see that it is whole, once to restore it.
 * The new state is made beside its place and put there by one rename, so what
 * ends in the middle leaves the directory as it was. What records become on
 * the way, and why, stands in `core/restored.ts`.
 *
 * @module
 */
import {
  EPOCH_GAP,
  restoredNodeOperation,
  restoredOperation,
  restoredVm,
  type Restoring,
  REVISION_GAP,
} from "../../core/restored.ts";
import { isUsherError, messageOf, UsherError } from "../../error/mod.ts";
import { RESTORE_VERB } from "../../schema/audit.ts";
import { NodeOperation } from "../../schema/node_operation.ts";
import { Operation } from "../../schema/operation.ts";
import { Vm } from "../../schema/vm.ts";
import { keys } from "../../store/key.ts";
import { openKvStore } from "../../store/kv_store.ts";
import type { Key, Mutation, Store } from "../../store/store.ts";
import {
  listFolder,
  makeFolder,
  openToRead,
  removeIfThere,
  renameDurably,
  statOrNull,
  writeDurably,
} from "../../sys/file.ts";
import { hostname, processId } from "../../sys/machine.ts";
import { AuditLog } from "../audit/audit_log.ts";
import { type CtrlContext, isoNow } from "../context.ts";
import type { OnStateProgress } from "../state/progress.ts";
import {
  type BackupHead,
  type BackupLine,
  damaged,
  readBackup,
} from "./format.ts";

/** So many records are committed together. */
const BATCH = 500;

/** What is restored, and where to. */
export interface RestoreOptions {
  readonly path: string;
  readonly stateDir: string;
  readonly context: CtrlContext;
  readonly signal: AbortSignal;
  /** Told how much of the file was read, which is done twice. */
  readonly onProgress?: OnStateProgress;
}

/** What was restored. */
export interface Restored {
  readonly records: number;
  /** When the backup was made, and by which usher. */
  readonly madeAt: string;
  readonly usher: string;
}

/** Restores a backup. Throws `already_exists` when the directory is not empty, and `invalid_input` for a damaged file. */
export async function restoreBackup(
  options: RestoreOptions,
): Promise<Restored> {
  const { path, stateDir } = options;
  await refuseUsed(stateDir);
  const reading = new Reading(await sizeOf(path), options.onProgress);
  const head = await checkFile(options, reading);
  const beside = `${stateDir}.restore-${options.context.newId()}`;
  try {
    await clearLeft(stateDir);
    await makeFolder(`${beside}/tls`);
    const records = await restoreInto(beside, { head, reading }, options);
    await renameDurably(beside, stateDir);
    return { records, madeAt: head.at, usher: head.usher };
  } catch (error) {
    if (options.signal.aborted || isUsherError(error)) throw error;
    throw new UsherError(
      "unavailable",
      `Cannot restore "${path}" into ${stateDir}: ${messageOf(error)}`,
      {
        hint:
          "check that its parent directory is writable, has room, and that it is no mount point itself",
        cause: error,
      },
    );
  } finally {
    await removeIfThere(beside);
  }
}

async function refuseUsed(stateDir: string): Promise<void> {
  const names = await listFolder(stateDir);
  if (names.length === 0) return;
  const shown = names.slice(0, 5).join(", ");
  throw new UsherError(
    "already_exists",
    `Cannot restore into ${stateDir}: it holds ${shown}${
      names.length > 5 ? ", …" : ""
    }`,
    {
      hint:
        "stop the controller and move its state away, or name an empty directory with --state",
    },
  );
}

/** Removes what a restore left that was killed. */
async function clearLeft(stateDir: string): Promise<void> {
  const slash = stateDir.lastIndexOf("/");
  const parent = stateDir.slice(0, slash) || "/";
  const prefix = `${stateDir.slice(slash + 1)}.restore-`;
  for (const name of await listFolder(parent)) {
    if (name.startsWith(prefix)) await removeIfThere(`${parent}/${name}`);
  }
}

/** Reads the whole file once; answers its first line. Throws what is wrong with it. */
async function checkFile(
  { path, signal }: RestoreOptions,
  reading: Reading,
): Promise<BackupHead> {
  let head: BackupHead | null = null;
  let lines = 0;
  for await (const line of linesOf(path, reading)) {
    signal.throwIfAborted();
    if ("format" in line) head = line;
    if (++lines % BATCH === 0) reading.tell(0);
  }
  if (head === null) throw damaged(path, "it has no first line");
  return head;
}

/** How much of the two times that a file is read is done. */
class Reading {
  readonly #total: number;
  readonly #onProgress: OnStateProgress | undefined;
  #done = 0;

  constructor(size: number, onProgress: OnStateProgress | undefined) {
    this.#total = 2 * size;
    this.#onProgress = onProgress;
  }

  /** The same stream, counted. */
  async *count(
    stream: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    for await (const bytes of stream) {
      this.#done += bytes.length;
      yield bytes;
    }
  }

  tell(records: number): void {
    this.#onProgress?.({ records, done: this.#done, total: this.#total });
  }
}

/** A pipe could not be read twice. */
async function sizeOf(path: string): Promise<number> {
  const found = await statOrNull(path);
  if (found === null) {
    throw new UsherError("not_found", `There is no file "${path}"`);
  }
  if (found.isFile) return found.size;
  throw new UsherError("invalid_input", `"${path}" is no plain file`, {
    hint: 'give a file that "usher ctrl backup" wrote',
  });
}

async function* linesOf(
  path: string,
  reading: Reading,
): AsyncGenerator<BackupHead | BackupLine> {
  const stream = await openToRead(path);
  if (stream === null) {
    throw new UsherError("not_found", `There is no file "${path}"`);
  }
  try {
    yield* readBackup(reading.count(stream), path);
  } catch (error) {
    if (isUsherError(error, "interrupted")) {
      throw damaged(path, "it ends within a line");
    }
    throw error;
  }
}

/** A backup that was found whole. */
interface ReadFile {
  readonly head: BackupHead;
  readonly reading: Reading;
}

async function restoreInto(
  folder: string,
  file: ReadFile,
  options: RestoreOptions,
): Promise<number> {
  const store = await openKvStore({
    path: `${folder}/state.kv`,
    host: hostname(),
    pid: processId(),
    now: () => options.context.clock.now(),
    log: options.context.log,
    epochAbove: file.head.epoch + EPOCH_GAP,
  });
  try {
    const records = await restoreLines(folder, store, file, options);
    await noteRestore(store, file.head, options);
    return records;
  } finally {
    await store.close();
  }
}

async function restoreLines(
  folder: string,
  store: Store,
  { head, reading }: ReadFile,
  { path, context, signal }: RestoreOptions,
): Promise<number> {
  const restoring = { madeAt: head.at, at: isoNow(context) };
  let batch: Mutation[] = [];
  let records = 0;
  for await (const line of linesOf(path, reading)) {
    signal.throwIfAborted();
    if ("format" in line) continue;
    if ("file" in line) {
      const mode = line.file.endsWith("-key.pem") ? 0o600 : 0o644;
      await writeDurably(`${folder}/${line.file}`, line.text, { mode });
      continue;
    }
    records++;
    batch.push(mutationOf(line, restoring));
    if (batch.length < BATCH) continue;
    await store.commit(batch);
    batch = [];
    reading.tell(records);
  }
  await store.commit(batch);
  return records;
}

/**
 * The log goes on where the backup ends, and whoever reads it is to see that
 * what came after it has been lost on purpose.
 */
async function noteRestore(
  store: Store,
  head: BackupHead,
  { context }: RestoreOptions,
): Promise<void> {
  const audit = await AuditLog.load({ context, store });
  audit.note({
    user: "",
    via: "controller",
    verb: RESTORE_VERB,
    names: [],
    decision: "told",
    args: { backup: head.at, version: head.usher },
  });
  await audit.durable();
  await audit.close();
}

function mutationOf(
  line: Exclude<BackupLine, { file: string }>,
  restoring: Restoring,
): Mutation {
  if ("delete" in line) return { type: "delete", key: line.delete };
  const key: Key = line.set;
  if (isOfItsMoment(key)) return { type: "delete", key };
  return { type: "set", key, value: restoredValue(key, line.value, restoring) };
}

/** What must not come back: see each. */
function isOfItsMoment([kind]: Key): boolean {
  return [
    // One that was used since would let another node in.
    keys.joinTokens(),
    // What has been told since, and whoever was connected then.
    keys.allTold(),
    keys.connections(),
  ].some(([first]) => first === kind);
}

function restoredValue(
  key: Key,
  value: unknown,
  restoring: Restoring,
): unknown {
  switch (key[0]) {
    case keys.vms()[0]:
      return restoredVm(Vm.parse(value), restoring);
    case keys.operations()[0]:
      return restoredOperation(Operation.parse(value), restoring);
    case keys.nodeOperations()[0]:
      return restoredNodeOperation(NodeOperation.parse(value), restoring);
    case "meta":
      return key[1] === "revision" ? Number(value) + REVISION_GAP : value;
    default:
      return value;
  }
}
