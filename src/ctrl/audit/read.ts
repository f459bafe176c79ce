/**
 * Reading the audit log: what was noted since a moment, the newest of what
 * fits, and whatever is noted from now on.
 *
 * Blocks are filed by the hour, so who asks for the newest reads the newest.
 * What is shown is what is durable.
 *
 * @module
 */
import { AuditBlock, type AuditRecord } from "../../schema/audit.ts";
import { keys } from "../../store/key.ts";
import type { Store } from "../../store/store.ts";
import type { AuditLog } from "./audit_log.ts";

const HOUR_MS = 3_600_000;

/** Which records are asked for. */
export interface AuditQuery {
  readonly user?: string | undefined;
  readonly verb?: string | undefined;
  /** A name that it was about, or the VM's part before its first dot. */
  readonly vm?: string | undefined;
  readonly decision?: string | undefined;
  /** ISO 8601; no older ones, and no newer ones. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** Whether a record is one of those that are asked for. */
export function isAsked(
  record: AuditRecord,
  { user, verb, vm, decision, since, until }: AuditQuery,
): boolean {
  return (user === undefined || record.user === user) &&
    (verb === undefined || record.verb === verb) &&
    (decision === undefined || record.decision === decision) &&
    (since === undefined || record.at >= since) &&
    (until === undefined || record.at < until) &&
    (vm === undefined || record.names.some((name) => isNamed(name, vm)));
}

function isNamed(name: string, wanted: string): boolean {
  return name === wanted || name.startsWith(`${wanted}.`);
}

/** All that are asked for, oldest first. */
export async function* readAudit(
  log: AuditLog,
  query: AuditQuery,
): AsyncGenerator<AuditRecord, void, void> {
  const { since } = query;
  const whole = since === undefined || log.hour === "";
  const hours = whole ? [null] : hoursFrom(since.slice(0, 13), log.hour);
  for (const hour of hours) {
    const prefix = hour === null ? keys.auditBlocks() : keys.auditHour(hour);
    for await (const { value } of log.store.list(prefix)) {
      for (const record of recordsOf(value)) {
        if (isAsked(record, query)) yield record;
      }
    }
  }
}

/** The newest `limit` of those that are asked for, oldest first. */
export async function newestAudit(
  log: AuditLog,
  query: AuditQuery,
  limit: number,
): Promise<AuditRecord[]> {
  const { store } = log;
  const from = query.since ?? await oldestHour(store);
  const found: AuditRecord[][] = [];
  let count = 0;
  // An hour that nothing was noted in is a look that finds nothing.
  for (const hour of hoursBack(log.hour, from.slice(0, 13))) {
    const records: AuditRecord[] = [];
    for await (const { value } of store.list(keys.auditHour(hour))) {
      for (const record of recordsOf(value)) {
        if (isAsked(record, query)) records.push(record);
      }
      // Of a busy hour no more is held than may be shown.
      if (records.length > 2 * limit) {
        records.splice(0, records.length - limit);
      }
    }
    found.unshift(records);
    count += records.length;
    if (count >= limit || records.some(({ seq }) => seq === 1)) break;
  }
  const all = found.flat();
  return all.slice(Math.max(0, all.length - limit));
}

/** Records after number `seq` as they become durable, until `signal` aborts. */
export async function* followAudit(
  log: AuditLog,
  query: AuditQuery,
  seq: number,
  signal: AbortSignal,
): AsyncGenerator<AuditRecord, void, void> {
  const aborted = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => aborted.resolve(), { once: true });
  for (let last = seq; !signal.aborted;) {
    const news = log.news();
    const recent = log.recent(last);
    const records = recent ?? readAll(log.store);
    for await (const record of records) {
      if (record.seq <= last) continue;
      last = record.seq;
      if (isAsked(record, query)) yield record;
      if (signal.aborted) return;
    }
    if (log.ends.head.seq <= last) await Promise.race([news, aborted.promise]);
  }
}

/** The hour that the oldest block is filed under; none where there is no block. */
async function oldestHour(store: Store): Promise<string> {
  for await (const { key } of store.list(keys.auditBlocks())) {
    return String(key[1]);
  }
  return "";
}

async function* readAll(store: Store): AsyncGenerator<AuditRecord, void, void> {
  for await (const { value } of store.list(keys.auditBlocks())) {
    yield* recordsOf(value);
  }
}

/** Records of a block; one that cannot be read has none, which `verify` tells. */
export function recordsOf(value: unknown): readonly AuditRecord[] {
  const block = AuditBlock.safeParse(value);
  return block.success ? block.data.records as unknown as AuditRecord[] : [];
}

/** Hours as they stand in keys, from one to another. */
function* hoursFrom(first: string, last: string): Generator<string> {
  const end = timeOf(last);
  const begin = timeOf(first);
  if (Number.isNaN(begin) || Number.isNaN(end)) return;
  for (let at = begin; at <= end; at += HOUR_MS) yield hourAt(at);
}

/** The same from the newest on. */
function* hoursBack(last: string, first: string): Generator<string> {
  const begin = timeOf(last);
  if (Number.isNaN(begin)) return;
  const end = timeOf(first);
  for (let at = begin; at >= end; at -= HOUR_MS) yield hourAt(at);
}

function timeOf(hour: string): number {
  return Date.parse(`${hour}:00:00.000Z`);
}

function hourAt(time: number): string {
  return new Date(time).toISOString().slice(0, 13);
}
