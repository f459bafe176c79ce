/**
 * Making a backup: all that a controller needs to be itself again, in one
 * file, while it goes on serving.
 *
 * The records are those of one moment (`Store.snapshot`); CA and keys are read
 * from the state directory by whoever makes the backup, so that they never
 * cross a network. The file appears whole, under its name, or not at all.
 *
 * @module
 */
import { isUsherError, messageOf, UsherError } from "../../error/mod.ts";
import { listFolder, readTextOrNull, statOrNull } from "../../sys/file.ts";
import { NewFile } from "../../sys/new_file.ts";
import type { OnStateProgress } from "../state/progress.ts";
import { openSource, type SourceOptions } from "../state/source.ts";
import { BACKUP_VERSION, BackupEncoder } from "./format.ts";

/** Files are written in pieces of so many bytes. */
const PIECE_BYTES = 256 * 1024;

/** What is backed up, and where to. */
export interface BackupOptions extends SourceOptions {
  readonly path: string;
  /** Whether a file that is there may be replaced. */
  readonly force: boolean;
  readonly onProgress?: OnStateProgress;
}

/** What was written. */
export interface Made {
  readonly records: number;
  readonly bytes: number;
  /** Whether a controller went on serving meanwhile. */
  readonly isLive: boolean;
}

/** Writes a backup. Throws `already_exists`, and `unavailable` when it cannot be written. */
export async function makeBackup(options: BackupOptions): Promise<Made> {
  const { path, force } = options;
  if (!force && await statOrNull(path) !== null) throw isThere(path);
  await using source = await openSource(options);
  try {
    await using file = await NewFile.open(path);
    const made = await writeAll(source, file, options);
    await file.finish({ replace: force });
    return { ...made, isLive: source.isLive };
  } catch (error) {
    if (options.signal.aborted || isUsherError(error)) throw error;
    if (error instanceof Error && error.name === "AlreadyExists") {
      throw isThere(path);
    }
    throw new UsherError(
      "unavailable",
      `Cannot write backup "${path}": ${messageOf(error)}`,
      { hint: "check that the place is writable and has room", cause: error },
    );
  }
}

type Source = Awaited<ReturnType<typeof openSource>>;

async function writeAll(
  source: Source,
  file: NewFile,
  { config, signal, onProgress }: BackupOptions,
): Promise<{ records: number; bytes: number }> {
  const encoder = new BackupEncoder();
  const out = new Pieces(file);
  const { version, epoch, at } = source.head;
  await out.add(
    encoder.head({
      format: "usher-backup",
      version: BACKUP_VERSION,
      usher: version,
      epoch,
      at,
    }),
  );
  for (const name of await listFolder(`${config.state_dir}/tls`)) {
    const text = name.endsWith(".pem")
      ? await readTextOrNull(`${config.state_dir}/tls/${name}`)
      : null;
    if (text === null) continue;
    await out.add(encoder.line({ file: `tls/${name}`, text }));
  }
  let records = 0;
  for await (const mutation of source.mutations()) {
    signal.throwIfAborted();
    const key = [...mutation.key];
    await out.add(encoder.line(
      mutation.type === "set"
        ? { set: key, value: mutation.value }
        : { delete: key },
    ));
    if (++records % 1000 === 0) {
      onProgress?.({ records, done: out.bytes, total: null });
    }
  }
  await out.add(encoder.end());
  await out.flush();
  return { records, bytes: out.bytes };
}

/** Lines on their way to a file, many at a time. */
class Pieces {
  readonly #file: NewFile;
  #pending: Uint8Array[] = [];
  #held = 0;
  bytes = 0;

  constructor(file: NewFile) {
    this.#file = file;
  }

  async add(line: Uint8Array): Promise<void> {
    this.#pending.push(line);
    this.#held += line.length;
    this.bytes += line.length;
    if (this.#held >= PIECE_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    const piece = new Uint8Array(this.#held);
    let at = 0;
    for (const line of this.#pending) {
      piece.set(line, at);
      at += line.length;
    }
    this.#pending = [];
    this.#held = 0;
    await this.#file.write(piece);
  }
}

function isThere(path: string): UsherError {
  return new UsherError(
    "already_exists",
    `Cannot write backup "${path}": there is something of that name`,
    { hint: "give another name, or --force to replace it" },
  );
}
