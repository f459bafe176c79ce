/**
 * The form of a backup: lines of JSON, the first says what it is, the last
 * how many lines there are and their checksum.
 *
 * ```
 * {"format":"usher-backup","version":1,"usher":"0.3.0","epoch":7,"at":"2026-…"}
 * {"file":"tls/ca-key.pem","text":"-----BEGIN …"}
 * {"set":["vm","01…"],"value":{…}}
 * {"delete":["operation","01…"]}
 * {"lines":3,"sha256":"…"}
 * ```
 *
 * Records come as they are read, and then what was written meanwhile: later
 * lines win. A file that was cut off has no last line, and one that was edited
 * another checksum; neither is restored.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { z } from "zod";
import { UsherError } from "../../error/mod.ts";
import { decodeLines, encodeLine } from "../../link/ndjson.ts";

/** The newest version of the format, and all that are read. */
export const BACKUP_VERSION = 1;

const Key = z.array(z.union([z.string(), z.number()]));

/** The first line. */
export const BackupHead = z.object({
  format: z.literal("usher-backup"),
  version: z.int(),
  /** The usher that wrote it. */
  usher: z.string(),
  /** Of the controller whose state it is. */
  epoch: z.int(),
  at: z.string(),
});
/** The first line. */
export type BackupHead = z.infer<typeof BackupHead>;

const BackupFile = z.strictObject({
  /** Relative to the state directory. */
  file: z.string().regex(/^tls\/[a-z0-9-]+\.pem$/),
  text: z.string(),
});
const BackupSet = z.strictObject({ set: Key, value: z.unknown() });
const BackupDelete = z.strictObject({ delete: Key });
const BackupEnd = z.strictObject({ lines: z.int(), sha256: z.string() });

/** A line between the first and the last. */
export const BackupLine = z.union([BackupFile, BackupSet, BackupDelete]);
/** A line between the first and the last. */
export type BackupLine = z.infer<typeof BackupLine>;

/** The longest line: a value of 64 KiB, with every character escaped. */
const MAX_LINE = 1024 * 1024;

/** Makes the bytes of a backup, line by line. */
export class BackupEncoder {
  readonly #hash = createHash("sha256");
  #lines = 0;

  head(head: BackupHead): Uint8Array {
    return this.#line(head);
  }

  line(line: BackupLine): Uint8Array {
    this.#lines++;
    return this.#line(line);
  }

  end(): Uint8Array {
    return encodeLine({ lines: this.#lines, sha256: this.#hash.digest("hex") });
  }

  #line(value: unknown): Uint8Array {
    const bytes = encodeLine(value);
    this.#hash.update(bytes);
    return bytes;
  }
}

/**
 * The first line and the ones after it, while they are read. Nothing of them
 * may be believed before the end: then it throws `invalid_input` when the
 * file was cut off or changed.
 */
export async function* readBackup(
  stream: AsyncIterable<Uint8Array>,
  path: string,
): AsyncGenerator<BackupHead | BackupLine> {
  const hash = createHash("sha256");
  let lines = -1;
  for await (const line of decodeLines(stream, MAX_LINE)) {
    const end = lines < 0 ? null : BackupEnd.safeParse(line);
    if (end?.success === true) {
      return checkEnd(end.data, lines, hash, path);
    }
    // The bytes that were hashed when it was written, unless it was edited.
    hash.update(encodeLine(line));
    if (lines++ < 0) yield readHead(line, path);
    else {
      const parsed = BackupLine.safeParse(line);
      if (!parsed.success) {
        throw damaged(path, `line ${lines + 1} is none of a backup`);
      }
      yield parsed.data;
    }
  }
  throw damaged(path, "it ends before its last line");
}

function readHead(line: unknown, path: string): BackupHead {
  const head = BackupHead.safeParse(line);
  if (!head.success) {
    throw new UsherError("invalid_input", `"${path}" is no backup of usher`, {
      hint: 'give a file that "usher ctrl backup" wrote',
    });
  }
  if (head.data.version > BACKUP_VERSION) {
    throw new UsherError(
      "unsupported",
      `Cannot read backup "${path}": its format is version ${head.data.version}, this usher knows ${BACKUP_VERSION}`,
      { hint: `Restore it with usher ${head.data.usher}, or a newer one` },
    );
  }
  return head.data;
}

function checkEnd(
  end: z.infer<typeof BackupEnd>,
  lines: number,
  hash: Hash,
  path: string,
): void {
  if (end.lines !== lines) {
    throw damaged(path, `it has ${lines} lines of ${end.lines}`);
  }
  if (end.sha256 !== hash.digest("hex")) {
    throw damaged(path, "its checksum is another");
  }
}

/** The error for a backup that is not as it was written. */
export function damaged(path: string, why: string): UsherError {
  return new UsherError(
    "invalid_input",
    `Backup "${path}" is damaged: ${why}`,
    { hint: "take another backup; nothing was restored" },
  );
}
