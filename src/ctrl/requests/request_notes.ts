/**
 * What the audit log keeps of a request for VMs: one note when it may be done,
 * made just before the write that does it, or one that says why not.
 *
 * @module
 */
import type { AuditNote } from "../../schema/audit.ts";
import { noteError } from "../audit/noted.ts";
import { keptArgs } from "../audit/redact.ts";
import { namesOf, operationsOf, whoOf, whyOf } from "../audit/sink.ts";
import type { Allowed } from "./request_chains.ts";
import type { Sent } from "./sent.ts";

/** A request that was allowed, with the operations that it becomes. */
export function allowedNote(
  sent: Sent,
  { changes }: Allowed,
  operations: readonly string[],
): AuditNote {
  const by = changes.filter(({ changed }) => changed.length > 0).map((
    { plugin },
  ) => plugin);
  return {
    ...asked(sent),
    decision: "allowed",
    operations: operationsOf(operations),
    ...(by.length === 0 ? {} : { by: [...new Set(by)] }),
  };
}

/** A request that is not done, and why. */
export function refusedNote(sent: Sent, error: unknown): AuditNote {
  noteError(error);
  return { ...asked(sent), ...whyOf(error) };
}

function asked({ id, request, caller }: Sent) {
  const args = keptArgs(request);
  return {
    ...whoOf(caller),
    verb: request.verb,
    ...namesOf(request.names),
    ...(args === undefined ? {} : { args }),
    request: id,
  };
}
