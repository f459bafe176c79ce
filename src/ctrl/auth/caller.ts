/**
 * The caller: who a request comes from, a client with a session or an API
 * token, or a plugin.
 *
 * What a caller may do is asked of it wherever it matters, so every part of
 * the controller knows this, and it knows none of them.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { Filed, Role } from "../../schema/stored.ts";
import type { TokenScope } from "../../schema/token_scope.ts";

/** Who a request comes from. */
export interface Caller {
  readonly user: string;
  readonly role: Role;
  readonly expiresAt: string;
  /** The session or token, by its hash. */
  readonly session: string;
  /** Where the connection came from; for the audit log. */
  readonly address?: string;
  /** Groups that a directory puts the user in. */
  readonly groups?: readonly string[];
  /** The plugin that asks; absent when a client does. */
  readonly plugin?: PluginCaller;
  /** What the API token is for with which a client calls; absent for a session. */
  readonly scope?: CallerScope;
}

/** What an API token leaves of what its owner may. */
export interface CallerScope extends TokenScope {
  readonly token: string;
  readonly tokenName: string;
  /** Whether it is for the VM of this full name. */
  readonly reaches: (vm: string) => boolean;
  /** Whether it is for this verb, or for the `console`. */
  readonly has: (verb: string) => boolean;
}

/** What is known of a plugin that asks. */
export interface PluginCaller extends Omit<Filed, "plugin"> {
  readonly name: string;
  /** Whether it was granted the VM of this full name. */
  readonly reaches: (vm: string) => boolean;
  /** What it is for, as the plugin tells people. */
  readonly why?: string;
}

/** Throws `permission_denied` when the caller's token is not for `verb`. */
export function requireVerb({ scope }: Caller, verb: string): void {
  if (scope === undefined || scope.has(verb)) return;
  throw new UsherError(
    "permission_denied",
    `API token "${scope.tokenName}" is not for "${verb}"`,
    {
      subject: scope.tokenName,
      hint: scope.verbs === null
        ? `it is for looking; make one with --verb ${verb}`
        : `it is for ${scope.verbs.join(", ")}`,
    },
  );
}

/** Whether the caller's token is for some VMs alone. */
export function isConfined({ scope }: Caller): boolean {
  return scope !== undefined && scope.vms !== null;
}

/** Whether the caller's token, if there is one, is for the VM of this full name. */
export function isInScope({ scope }: Caller, vm: string): boolean {
  return scope === undefined || scope.reaches(vm);
}
