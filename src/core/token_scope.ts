/**
 * Scopes of API tokens, decided: what a route asks of a token, whether a token
 * has it, and which VMs it reaches.
 *
 * Who does not name a need for a new route gets the narrower answer: what
 * changes something is closed to tokens that are limited, and what is neither
 * looking nor acting is closed to all of them.
 *
 * @module
 */
import type { Route } from "../schema/route/kind.ts";
import type { TokenNeed, TokenScope } from "../schema/token_scope.ts";
import { compileName } from "./selector.ts";

/** What `route` needs of a token that calls it. */
export function tokenNeed(
  { access, method, token }: Pick<Route, "access" | "method" | "token">,
): TokenNeed {
  if (token !== undefined) return token;
  if (access === "admin") return "admin";
  if (access === "user") return "act";
  return method === "GET" ? "read" : "never";
}

/** Whether a token of this scope may call what needs `need`; verbs and VMs are asked later. */
export function suffices(
  { access, verbs, vms }: TokenScope,
  need: TokenNeed,
): boolean {
  switch (need) {
    case "read":
      return true;
    case "verb":
      return access !== "read";
    case "act":
      return access !== "read" && verbs === null && vms === null;
    case "admin":
      return access === "admin";
    case "never":
      return false;
  }
}

/** Whether a token of this scope may ask for `verb`. */
export function hasVerb(
  { access, verbs }: TokenScope,
  verb: string,
): boolean {
  return access !== "read" &&
    (verbs === null || verbs.some((one) => one === verb));
}

/** A test of full names of VMs: whether a token of this scope reaches them. */
export function reachOf({ vms }: TokenScope): (vm: string) => boolean {
  if (vms === null) return () => true;
  const patterns = vms.map(compileName);
  return (vm) => patterns.some((matches) => matches(vm));
}
