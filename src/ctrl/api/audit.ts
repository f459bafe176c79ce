/**
 * `GET /v1/audit`: what was noted, and what is from now on.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { AuditDecision } from "../../schema/audit.ts";
import {
  type AuditQuery,
  followAudit,
  newestAudit,
  readAudit,
} from "../audit/read.ts";
import type { Caller } from "../auth/caller.ts";
import type { Site } from "../site.ts";
import { withBeats } from "./beat.ts";

/** Records that are held at once for somebody who asks for the newest. */
const MAX_LIMIT = 100_000;

/** Records that a query asks for. Throws `invalid_input` before anything is streamed. */
export function auditRecords(
  site: Site,
  caller: Caller,
  { searchParams: given }: URL,
): (signal: AbortSignal) => AsyncIterable<unknown> {
  const query = queryOf(given);
  const limit = numberOf(given, "limit", MAX_LIMIT);
  const after = numberOf(given, "after", Number.MAX_SAFE_INTEGER);
  if (given.get("follow") === "1") {
    return (signal) => follow(site, caller, { query, limit, after }, signal);
  }
  return () => records(site, query, limit);
}

async function* records(
  { audit }: Site,
  query: AuditQuery,
  limit: number | null,
): AsyncGenerator<unknown> {
  // What was noted a moment ago is shown, too.
  await audit.durable().catch(() => {});
  if (limit === null) yield* readAudit(audit, query);
  else yield* await newestAudit(audit, query, limit);
}

interface Following {
  readonly query: AuditQuery;
  readonly limit: number | null;
  readonly after: number | null;
}

async function* follow(
  site: Site,
  caller: Caller,
  { query, limit, after }: Following,
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  const { audit, accounts, context: { clock } } = site;
  let last = after;
  if (last === null) {
    last = audit.ends.head.seq;
    for await (const record of newest(site, query, limit ?? 0)) {
      if (record.seq <= last) yield record;
    }
  }
  const lines = followAudit(audit, query, last, signal);
  for await (const line of withBeats(lines, clock, () => ({ type: "beat" }))) {
    if (!accounts.isLive(caller)) {
      yield { type: "bye", reason: "this session has ended", resume: false };
      return;
    }
    yield line;
  }
  yield { type: "bye", reason: "the controller ends", resume: true };
}

async function* newest({ audit }: Site, query: AuditQuery, limit: number) {
  if (limit > 0) yield* await newestAudit(audit, query, limit);
}

function queryOf(given: URLSearchParams): AuditQuery {
  const text = (name: string) => given.get(name) ?? undefined;
  const decision = text("decision");
  if (decision !== undefined && !AuditDecision.safeParse(decision).success) {
    throw new UsherError("invalid_input", `"${decision}" is no decision`, {
      field: "decision",
      hint: `it is one of ${AuditDecision.options.join(", ")}`,
    });
  }
  return {
    user: text("user"),
    verb: text("verb"),
    vm: text("vm"),
    decision,
    since: momentOf(given, "since"),
    until: momentOf(given, "until"),
  };
}

function momentOf(given: URLSearchParams, field: string): string | undefined {
  const asked = given.get(field);
  if (asked === null) return undefined;
  const time = Date.parse(asked);
  if (!Number.isNaN(time)) return new Date(time).toISOString();
  throw new UsherError("invalid_input", `"${asked}" is no moment`, {
    field,
    hint: "write it as 2026-11-26T12:00:00Z",
  });
}

function numberOf(
  given: URLSearchParams,
  field: string,
  most: number,
): number | null {
  const asked = given.get(field);
  if (asked === null) return null;
  if (/^\d{1,16}$/.test(asked) && Number(asked) <= most) return Number(asked);
  throw new UsherError(
    "invalid_input",
    `"${asked}" is no number of records: it must be 0 to ${most}`,
    { field },
  );
}
