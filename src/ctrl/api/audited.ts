/**
 * How calls of the API come into the audit log: every one that may change
 * something, reads of what is secret, and whatever is refused.
 *
 * A call is noted before its handler acts: once it is known who calls, or, of
 * a route that takes a body, once that was read, so that the note says what
 * was sent. What then keeps it from being done is a second note. Requests for
 * VMs are noted where they are decided (`Requests`), and logins where they are
 * answered.
 *
 * @module
 */
import { isUsherError } from "../../error/mod.ts";
import { type RouteName, ROUTES } from "../../schema/route.ts";
import type { AuditLog } from "../audit/audit_log.ts";
import { isNoted } from "../audit/noted.ts";
import { keptArgs } from "../audit/redact.ts";
import { namesOf, whoOf, whyOf } from "../audit/sink.ts";
import type { Caller } from "../auth/caller.ts";

/** Reads that are always noted. */
const GRAVE_READS: ReadonlySet<RouteName> = new Set<RouteName>([
  "console",
  "state",
  "recordedEvents",
  "audit",
]);

/** They change nothing, or are noted elsewhere. */
const NOT_HERE: ReadonlySet<RouteName> = new Set<RouteName>([
  "submit",
  "login",
  "plan",
  "drainPlan",
]);

const calls = new WeakMap<Request, AuditedCall>();

/** The call that a request is, so that reading its body can tell. */
export function callOf(request: Request): AuditedCall | undefined {
  return calls.get(request);
}

/** What is known of a call before it is answered. */
export interface CallFacts {
  readonly route: RouteName;
  readonly request: Request;
  readonly address: string;
  /** What stands in the path: the name or id that it is about. */
  readonly subject: string;
  /** Whether reads are noted as well. */
  readonly reads: boolean;
}

/** One call on its way into the log. */
export class AuditedCall {
  readonly #log: Pick<AuditLog, "note" | "failing">;
  readonly #facts: CallFacts;
  #caller: Caller | null = null;
  #isNoted = false;

  constructor(log: Pick<AuditLog, "note" | "failing">, facts: CallFacts) {
    this.#log = log;
    this.#facts = facts;
    calls.set(facts.request, this);
  }

  /** It is known who calls. */
  known(caller: Caller): void {
    this.#caller = { ...caller, address: this.#facts.address };
  }

  /** They may call this. */
  admitted(): void {
    const { route } = this.#facts;
    if (!("request" in ROUTES[route])) this.body(undefined);
  }

  /**
   * Its body was read, and is what the route takes. Throws `too_many_requests`
   * when the user's acts failed too often.
   */
  body(value: unknown): void {
    const { route, reads } = this.#facts;
    const { method } = ROUTES[route];
    const isAct = method === "GET" ? GRAVE_READS.has(route) || reads : true;
    if (!isAct || this.#isNoted || NOT_HERE.has(route)) return;
    const user = this.#caller?.user ?? "";
    this.#log.failing.requireCalm(user);
    this.#isNoted = true;
    const args = keptArgs(value);
    this.#log.note({
      ...this.#who(),
      verb: route,
      ...namesOf(this.#names(value)),
      ...(args === undefined ? {} : { args }),
      decision: "allowed",
    });
  }

  /** It was not done, or not to its end. */
  failed(error: unknown): void {
    if (isNoted(error)) return;
    const { route } = this.#facts;
    const isRefused = isUsherError(error, "permission_denied") ||
      isUsherError(error, "unauthenticated");
    const isAct = ROUTES[route].method !== "GET" && !NOT_HERE.has(route);
    if (!isRefused && !isAct && !this.#isNoted) return;
    if (this.#isNoted && this.#caller !== null) {
      this.#log.failing.failed(this.#caller.user);
    }
    this.#log.note({
      ...this.#who(),
      verb: route,
      ...namesOf(this.#names(undefined)),
      ...whyOf(error),
    });
  }

  #who() {
    const { address } = this.#facts;
    if (this.#caller !== null) return whoOf(this.#caller);
    return { user: "", via: "client" as const, address };
  }

  #names(body: unknown): string[] {
    const { subject } = this.#facts;
    const names = (body as { names?: unknown } | undefined)?.names;
    const asked = Array.isArray(names) ? names.map(String) : [];
    return subject === "" ? asked : [subject, ...asked];
  }
}
