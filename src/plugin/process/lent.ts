/**
 * What a worker may do until it is on its line to the controller, and must not
 * be able to do afterwards: connect to that one socket.
 *
 * What a plugin was granted anyway is not lent, since giving back what is lent
 * takes away every grant that covers it.
 *
 * @module
 */
import type { WorkerPermissions } from "../files/permission.ts";
import type { Lent } from "./protocol.ts";

/**
 * Permissions with those for the line added, and what of them is lent.
 * `asksForNet`: whether the runtime asks for `net` as well.
 */
export function lend(
  permissions: WorkerPermissions,
  socket: string,
  asksForNet: boolean,
): { readonly permissions: WorkerPermissions; readonly lent: readonly Lent[] } {
  const more: Partial<Record<"read" | "write" | "net", string[]>> = {};
  const lent: Lent[] = [];
  for (const name of ["read", "write"] as const) {
    const has = listOf(permissions[name]);
    if (has?.some((path) => covers(path, socket)) ?? true) continue;
    more[name] = [...has ?? [], socket];
    lent.push({ name, path: socket });
  }
  const net = listOf(permissions.net);
  if (asksForNet && net !== null) {
    const host = `unix:${socket}`;
    more.net = [...net, host];
    lent.push({ name: "net", host });
  }
  return { permissions: { ...permissions, ...more }, lent };
}

/** Null for all of it. */
function listOf(given: boolean | readonly string[]): readonly string[] | null {
  return given === true ? null : given === false ? [] : given;
}

function covers(path: string, file: string): boolean {
  const folder = path.replace(/\/+$/, "");
  return file === folder || file.startsWith(`${folder}/`);
}
