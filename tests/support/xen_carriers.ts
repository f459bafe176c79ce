/**
 * The processes of a Xen migration, found without the driver.
 *
 * @module
 */
import { ok } from "node:assert/strict";
import {
  findCarrier,
  findSenders,
} from "../../src/driver/carried/processes.ts";
import type { ProcessId } from "../../src/sys/process_table.ts";

/** The process that carries the domain `uid` at this node. */
export async function carrierOf(
  { dir }: { readonly dir: string },
  uid: string,
): Promise<ProcessId> {
  const carrier = await findCarrier(`${dir}/state/moves/${uid}`);
  ok(carrier !== null, "nothing carries it");
  return carrier;
}

/** What sends the domain `uid` away. */
export function sendersOf(uid: string): ProcessId[] {
  return findSenders(uid);
}
