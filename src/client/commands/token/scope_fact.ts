/**
 * The scope of a token in a few words.
 *
 * @module
 */
import type { TokenScope } from "../../../schema/token_scope.ts";

/** `start, shutdown on *.lab`, `read`, `admin`. */
export function scopeFact({ access, verbs, vms }: TokenScope): string {
  const what = verbs?.join(", ") ?? access;
  return vms === null ? what : `${what} on ${vms.join(", ")}`;
}
