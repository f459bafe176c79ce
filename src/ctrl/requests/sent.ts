/**
 * A request that was sent, and what is kept of it.
 *
 * @module
 */
import type { VmRequest } from "../../schema/request.ts";
import type { RequestRecord } from "../../schema/stored.ts";
import type { Caller } from "../auth/caller.ts";
import { hashToken } from "../auth/accounts.ts";
import type { Whole } from "./drafts.ts";
import { filedBy } from "./plugin_caller.ts";
import type { Allowed } from "./request_chains.ts";

/** A request that came in, as it was sent. */
export interface Sent {
  readonly id: string;
  /** Of what was sent, to tell a repeat from a clash. */
  readonly digest: string;
  readonly request: VmRequest;
  readonly caller: Caller;
  readonly whole: Whole | undefined;
  /** When, ISO 8601. */
  readonly at: string;
}

/** The record of a request that means `count` VMs. */
export function recordOf(
  { id, caller, request, digest, at }: Sent,
  count: number,
  { plugins }: Pick<Allowed, "plugins">,
): RequestRecord {
  return {
    v: 1,
    id,
    user: caller.user,
    verb: request.verb,
    digest,
    count,
    createdAt: at,
    ...filedBy(caller),
    ...(Object.keys(plugins).length === 0 ? {} : { plugins }),
  };
}

/** What plugins' answers to a request hold for: what was asked, by whom, and as what. */
export function bondOf(
  { digest, caller: { role, groups = [], plugin } }: Sent,
): string {
  return hashToken(
    JSON.stringify([digest, role, [...groups], plugin?.name ?? null]),
  );
}
