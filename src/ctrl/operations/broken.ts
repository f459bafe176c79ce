/**
 * What is done about an operation that failed or was cancelled, by what it is
 * and how far it came.
 *
 * @module
 */
import { isSwitched } from "../../core/migration.ts";
import type { Operation } from "../../schema/operation.ts";
import type { RunParts } from "./run_parts.ts";
import { driverOf } from "./steps.ts";
import { undo, type Undone } from "./undo.ts";
import { undoMigration } from "./undo_migration.ts";

/** Nothing was taken back, and nothing is known. */
export const NOTHING: Undone = { writes: () => [], trail: [], certain: false };

/** Takes back what `operation` began; a VM that has moved stays where it is. */
export async function takeBack(
  parts: RunParts,
  operation: Operation,
  error: unknown,
  options: { readonly wholly: boolean },
): Promise<Undone> {
  if (operation.verb !== "migrate") {
    return await undo(parts, operation, error, options);
  }
  const vm = parts.records.vms.latest(operation.uid);
  if (vm === undefined || !isSwitched(operation, vm)) {
    return await undoMigration(parts, operation);
  }
  leaveCopies(parts, operation);
  return NOTHING;
}

/** Whatever a migration left where the VM is not goes once nobody holds the VM. */
export function leaveCopies(parts: RunParts, operation: Operation): void {
  const { uid, verb, begun, from, to } = operation;
  const vm = parts.records.vms.latest(uid);
  if (verb !== "migrate" || vm === undefined) return;
  if (!begun.includes("offer")) return;
  for (const node of [from, to]) {
    if (node === null || node === vm.node) continue;
    parts.leftovers.suspect(node, uid, driverOf(vm));
  }
}
