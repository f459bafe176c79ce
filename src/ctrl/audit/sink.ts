/**
 * Where acts are noted, as those see it who do them.
 *
 * A note that is made before the commit of its act, in the same turn or an
 * earlier one, is durable with it or before it: see `AuditLog`.
 *
 * @module
 */
import { messageOf, UsherError } from "../../error/mod.ts";
import type { ErrorCode } from "../../schema/error_code.ts";
import type { AuditDecision, AuditNote } from "../../schema/audit.ts";
import type { Caller } from "../auth/caller.ts";

/** Names of one note, at most: a request may have ten thousand. */
const MAX_NAMES = 100;

/** A reason is cut after so many characters. */
const MAX_REASON = 500;

/** Takes notes of acts. */
export interface AuditSink {
  /** Notes an act; at once, and never waits. */
  note(note: AuditNote): void;
}

/** Forgets all that is noted; for tests of parts that have nothing else to do with it. */
export const NO_AUDIT: AuditSink = { note: () => {} };

/** Codes of what somebody was not allowed, as against what could not be done. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  "permission_denied",
  "unauthenticated",
  "refused",
  "too_many_requests",
]);

/** The fields of a note that say who asked. */
export function whoOf(
  { user, session, plugin, address, scope }: Caller,
): Pick<
  AuditNote,
  "user" | "via" | "session" | "token" | "plugin" | "address"
> {
  if (plugin !== undefined) {
    return { user, via: "plugin", plugin: plugin.name };
  }
  return {
    user,
    via: "client",
    ...(session === "" ? {} : { session: session.slice(0, 12) }),
    ...(scope === undefined ? {} : { token: scope.tokenName }),
    ...(address === undefined ? {} : { address }),
  };
}

/** The fields of a note that say what it was about; many names are counted. */
export function namesOf(
  names: readonly string[],
): Pick<AuditNote, "names" | "more"> {
  if (names.length <= MAX_NAMES) return { names: [...names] };
  return {
    names: names.slice(0, MAX_NAMES),
    more: names.length - MAX_NAMES,
  };
}

/** As many operations as names. */
export function operationsOf(ids: readonly string[]): string[] {
  return ids.slice(0, MAX_NAMES);
}

/** The fields of a note that say why something was not done, and who did not want it. */
export function whyOf(
  error: unknown,
): Pick<AuditNote, "decision" | "code" | "reason" | "by"> {
  const code = error instanceof UsherError ? error.code : "internal";
  const decision: AuditDecision = REFUSALS.has(code) ? "refused" : "failed";
  const plugin = error instanceof UsherError &&
      (code === "refused" || code === "plugin_failed")
    ? error.details.subject
    : undefined;
  return {
    decision,
    code,
    reason: messageOf(error).slice(0, MAX_REASON),
    ...(plugin === undefined ? {} : { by: [plugin] }),
  };
}
