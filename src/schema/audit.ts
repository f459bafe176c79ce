/**
 * The audit log: who asked what, when, and what was decided.
 *
 * Records are numbered without gaps, and each holds the hash of the one before
 * it. So none can be edited, taken out or put in without every later hash being
 * another; who has noted one hash elsewhere can tell. `checkChain` is that
 * proof, the same for the controller, for its clients and for a stored state.
 *
 * @module
 */
import { z } from "zod";
import { canonicalJson } from "./canonical.ts";

/** What the first record of a site has for the hash of the one before it. */
export const AUDIT_ROOT = "0".repeat(64);

/** Through what somebody asked. */
export const AuditVia = z.enum(["client", "plugin", "node", "controller"]);

/** What became of what was asked. */
export const AuditDecision = z.enum(["allowed", "refused", "failed", "told"]);
/**
 * What became of what was asked: `allowed` when it may be done and is about to
 * be; `refused` by usher's rules or a plugin; `failed` for any other reason,
 * also after it was allowed; `told` for what nobody decides.
 */
export type AuditDecision = z.infer<typeof AuditDecision>;

/** What is noted of one act; the log adds number, time and hashes. */
export const AuditNote = z.object({
  /** Who asked; empty for somebody who has not said, or is not known. */
  user: z.string(),
  via: AuditVia,
  /** The first characters of the hash of the session's token, or of the API token. */
  session: z.string().optional(),
  /** The API token that was used, by its name. */
  token: z.string().optional(),
  /** Where the connection came from. */
  address: z.string().optional(),
  plugin: z.string().optional(),
  /** A verb of VMs, or the name of a route. */
  verb: z.string(),
  /** What it was about, as it was asked; cut short, see `more`. */
  names: z.array(z.string()).default([]),
  /** How many names were left out. */
  more: z.int().positive().optional(),
  /** What was sent with it, without secrets. */
  args: z.record(z.string(), z.unknown()).optional(),
  decision: AuditDecision,
  /** Plugins that changed or refused it. */
  by: z.array(z.string()).optional(),
  /** The error code of what was not done. */
  code: z.string().optional(),
  reason: z.string().optional(),
  request: z.string().optional(),
  operations: z.array(z.string()).optional(),
});
/** What is noted of one act. */
export type AuditNote = z.infer<typeof AuditNote>;

/** One record of the log. */
export const AuditRecord = AuditNote.extend({
  seq: z.int().positive(),
  /** ISO 8601 in UTC. */
  at: z.string(),
  /** The hash of the record before this one. */
  prev: z.string(),
  /** SHA-256 of all other fields as canonical JSON, in hex. */
  hash: z.string(),
});
/** One record of the log. */
export type AuditRecord = z.infer<typeof AuditRecord>;

/** A place between two records: all up to `seq` come to `hash`. */
export const AuditMark = z.object({
  seq: z.int().nonnegative(),
  hash: z.string(),
  at: z.string(),
});
/** A place between two records. */
export type AuditMark = z.infer<typeof AuditMark>;

/** The two ends of the log. */
export const AuditHead = z.object({
  /** The newest record that is durable. */
  head: AuditMark,
  /** The last record that was removed for its age or for want of room; of number 0 where none was. */
  anchor: AuditMark,
  /** What the records take, in bytes. */
  bytes: z.int().nonnegative(),
});
/** The two ends of the log. */
export type AuditHead = z.infer<typeof AuditHead>;

/** One line of the log as it is streamed. */
export const AuditLine = z.union([
  AuditRecord,
  z.object({ type: z.literal("beat") }),
  z.object({
    type: z.literal("bye"),
    reason: z.string(),
    resume: z.boolean(),
  }),
]);
/** One line of the log as it is streamed. */
export type AuditLine = z.infer<typeof AuditLine>;

/** Some records, as they are stored together. */
export const AuditBlock = z.object({
  v: z.literal(1),
  records: z.array(z.looseObject({ seq: z.int(), hash: z.string() })),
});

/** Where the log has come to, as it is stored. */
export const AuditPosition = AuditHead.extend({
  v: z.literal(1),
  /** The hour under which the newest records are filed. */
  hour: z.string(),
});
/** Where the log has come to, as it is stored. */
export type AuditPosition = z.infer<typeof AuditPosition>;

/** The hash of a record, by what hashes a text. */
export function hashOf(
  record: Readonly<Record<string, unknown>>,
  hash: (text: string) => string,
): string {
  return hash(contentOf(record));
}

/** What the hash of a record is one of. */
export function contentOf(record: Readonly<Record<string, unknown>>): string {
  const { hash: _, ...content } = record;
  return canonicalJson(content);
}

/** A hash with its name, in JSON. */
const HASH_BYTES = 80;

/**
 * What a record takes, by its content, at most: a character beyond ASCII may
 * be three bytes, and is counted as such wherever there is one.
 */
export function weightOf(content: string): number {
  // deno-lint-ignore no-control-regex -- what is ASCII begins with them
  const isAscii = /^[\x00-\x7f]*$/.test(content);
  return content.length * (isAscii ? 1 : 3) + HASH_BYTES;
}

/** The verb of the record that a restore leaves. */
export const RESTORE_VERB = "restore";

/** What is wrong with a log: the first record that is not what was written. */
export interface BrokenChain {
  readonly seq: number;
  readonly text: string;
}

/** What a log is held against. */
export interface ChainEnds {
  /** What stands before its first record. */
  readonly anchor: Pick<AuditMark, "seq" | "hash">;
  /** What it has to come to, or go beyond. */
  readonly head: Pick<AuditMark, "seq" | "hash">;
  /** A hash that somebody kept, and that must be among its records. */
  readonly kept?: string | undefined;
}

/** Goes through a log from its beginning, record by record. */
export class ChainCheck {
  readonly #hash: (text: string) => string;
  readonly #ends: ChainEnds;
  #last: { readonly seq: number; readonly hash: string };
  #count = 0;
  #found: boolean;
  /** The newest record of a restore: what a kept hash was of may have been lost by it. */
  #restored: { readonly seq: number; readonly backup: string } | null = null;

  /** `hash` is SHA-256, in hex. */
  constructor(hash: (text: string) => string, ends: ChainEnds) {
    this.#hash = hash;
    this.#ends = ends;
    this.#last = ends.anchor;
    this.#found = ends.kept === undefined || ends.kept === ends.anchor.hash;
  }

  /** Records that were right so far. */
  get count(): number {
    return this.#count;
  }

  /** The last of them, or what stands before the first. */
  get last(): { readonly seq: number; readonly hash: string } {
    return this.#last;
  }

  /** The next record; what is wrong with it, or null. One that was removed already is passed over. */
  next(record: unknown): BrokenChain | null {
    const { seq, prev, hash } = (record ?? {}) as Partial<AuditRecord>;
    const { anchor, head, kept } = this.#ends;
    if (seq !== undefined && seq <= anchor.seq) return null;
    const due = this.#last.seq + 1;
    if (seq !== due) return missing(due, seq);
    if (hashOf(record as AuditRecord, this.#hash) !== hash) {
      return {
        seq,
        text: `Record ${seq} was changed: its hash is that of something else`,
      };
    }
    if (prev !== this.#last.hash) {
      return {
        seq,
        text:
          `Record ${seq} does not follow record ${this.#last.seq}: it was written after another one`,
      };
    }
    if (seq === head.seq && hash !== head.hash) {
      return {
        seq,
        text: `Record ${seq} is not the one that the log ended with`,
      };
    }
    this.#last = { seq, hash };
    this.#count++;
    if (hash === kept) this.#found = true;
    const { verb, args } = record as AuditRecord;
    if (verb === RESTORE_VERB) {
      this.#restored = { seq, backup: String(args?.["backup"]) };
    }
    return null;
  }

  /** What is wrong with the whole of it, once all records were given. */
  end(): BrokenChain | null {
    const { seq } = this.#last;
    const { head, kept } = this.#ends;
    if (seq < head.seq) {
      return {
        seq: seq + 1,
        text: `Record ${
          seq + 1
        } is missing: the log ends with record ${seq}, and had ${head.seq}`,
      };
    }
    if (this.#found) return null;
    const how = this.#restored === null
      ? ""
      : `; record ${this.#restored.seq} ` +
        `says that the site was restored from a backup of ${this.#restored.backup}, which has nothing that was noted later`;
    return {
      seq,
      text:
        `No record has the hash ${kept}: what the log ended with then was replaced or cut off since, or was removed for its age${how}`,
    };
  }
}

function missing(due: number, seq: number | undefined): BrokenChain {
  const instead = seq === undefined ? "something else" : `record ${seq}`;
  return {
    seq: due,
    text: `Record ${due} is missing: ${instead} stands in its place`,
  };
}
