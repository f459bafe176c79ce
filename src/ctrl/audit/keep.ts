/**
 * The audit log kept within its bounds, and its head said aloud.
 *
 * It is cut every hour, and before that when it has grown by more than a
 * sixteenth beyond its size, so that nobody fills the disk with it: who writes
 * the most of it is named then, since what they write pushes the rest out.
 *
 * What goes is always the oldest, block by block, and the hash of the last
 * record that went stands at the beginning of what is left: the chain goes on
 * from there. The cut itself is a record.
 *
 * Every hour the head is written to the controller's own log, which usually
 * leaves the machine: who has it there can tell whether anything up to it was
 * edited since (`usher audit verify --head`).
 *
 * @module
 */
import { messageOf } from "../../error/mod.ts";
import { type AuditMark, contentOf, weightOf } from "../../schema/audit.ts";
import { keys } from "../../store/key.ts";
import type { Mutation } from "../../store/store.ts";
import { isoTime } from "../../sys/clock.ts";
import type { CtrlContext } from "../context.ts";
import type { AuditLog } from "./audit_log.ts";
import { recordsOf } from "./read.ts";

const EVERY_MS = 3_600_000;

/** How often it is looked whether it has grown too far. */
const LOOK_MS = 10_000;

/** So much more than its size it may be until the next hour. */
const SLACK = 1 / 16;

/** Blocks that go with one commit. */
const BATCH = 200;

/** How long records are kept, and how many bytes of them. */
export interface AuditBounds {
  readonly keepMs: number;
  readonly bytes: number;
}

/** Looks after the log, until `signal` aborts. */
export async function keepAudit(
  context: CtrlContext,
  audit: AuditLog,
  bounds: AuditBounds,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log } = context;
  let said = 0;
  let last = clock.monotonic();
  while (!signal.aborted) {
    await clock.sleep(LOOK_MS, signal).catch(() => {});
    if (signal.aborted) return;
    audit.noteFloods();
    const isDue = clock.monotonic() - last >= EVERY_MS;
    const { head: { seq, hash }, bytes } = audit.ends;
    const isFull = bytes > bounds.bytes * (1 + SLACK);
    if (!isDue && !isFull) continue;
    if (isDue) {
      last = clock.monotonic();
      if (seq !== said) log.info("head of the audit log", { seq, hash });
      said = seq;
    } else {
      log.warn("the audit log is cut for want of room within the hour", {
        busiest: audit.busiest,
      });
    }
    try {
      await trimAudit(context, audit, bounds);
    } catch (error) {
      log.warn("the audit log could not be cut", { error: messageOf(error) });
    }
  }
}

/** Removes what is too old, and the oldest of what is too much; returns how many records. */
export async function trimAudit(
  context: CtrlContext,
  audit: AuditLog,
  bounds: AuditBounds,
): Promise<number> {
  let removed = 0;
  for (;;) {
    const part = await oldest(context, audit, bounds);
    if (part.blocks.length === 0) return removed;
    await audit.cut(part.blocks, part.anchor, part.bytes);
    removed += part.records;
  }
}

interface Oldest {
  readonly blocks: Mutation[];
  anchor: AuditMark;
  bytes: number;
  records: number;
}

/** The oldest blocks that must go, as many as go at once. */
async function oldest(
  context: CtrlContext,
  audit: AuditLog,
  { keepMs, bytes: most }: AuditBounds,
): Promise<Oldest> {
  const { anchor, bytes, head } = audit.ends;
  const before = isoTime(context.clock.now() - keepMs);
  const part: Oldest = { blocks: [], anchor, bytes: 0, records: 0 };
  if (bytes === 0) return part;
  for await (const { key, value } of audit.store.list(keys.auditBlocks())) {
    const records = recordsOf(value);
    const last = records.at(-1);
    // What cannot be read stays: it is what `verify` must tell of.
    if (last === undefined || last.seq >= head.seq) break;
    const isOld = last.at < before;
    const isLeft = last.seq <= anchor.seq;
    if (!isLeft && !isOld && bytes - part.bytes <= most) break;
    part.blocks.push({ type: "delete", key });
    part.records += records.length;
    // A crash may have left behind what an earlier cut has counted already.
    if (last.seq <= anchor.seq) continue;
    part.anchor = { seq: last.seq, hash: last.hash, at: last.at };
    part.bytes += records.reduce(
      (sum, record) => sum + weightOf(contentOf(record)),
      0,
    );
    if (part.blocks.length === BATCH) break;
  }
  return part;
}
