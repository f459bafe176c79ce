/**
 * Permissions in words, as everybody shows them: the client, the controller
 * and the tools for plugins. Loads no schema.
 *
 * @module
 */
import type { PermissionSet } from "./plugin.ts";

/** Each permission in a few words: `net 10.0.0.1:53`, `all read`. */
export function permissionTexts(permissions: PermissionSet): string[] {
  return Object.entries(permissions).flatMap(([kind, what]) =>
    what === undefined
      ? []
      : what === true
      ? [`all ${kind}`]
      : what.map((one) => `${kind} ${one}`)
  );
}
