/**
 * Choosing the node that a VM moves to, in one synchronous decision.
 *
 * @module
 */
import { advance, ended, type Move } from "../../core/advance.ts";
import { targeted } from "../../core/migration.ts";
import { UsherError } from "../../error/mod.ts";
import type { Node } from "../../schema/node.ts";
import type { Operation } from "../../schema/operation.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Records } from "../records/records.ts";
import { targetFor } from "./node_choice.ts";
import type { PlacedMove, Placing } from "./placed_move.ts";

/** The ability that a driver needs at both ends. */
export const MIGRATION = "migration";

/** Chooses a target for a migration whose next step asks for one. */
export function chooseTarget(
  { operation }: Move,
  vm: Vm,
  { records, at, uncertain = false }: Placing,
): PlacedMove {
  try {
    const chosen = targeted(operation, vm, choose(operation, vm, records));
    // A domain that may be there must not be left where it is.
    return { ...advance(chosen, vm, { at, uncertain }), writes: [] };
  } catch (error) {
    // What was tried before, if anything, was taken back.
    const unchanged = { ...operation, changed: false };
    return { ...ended(unchanged, at, error), writes: [] };
  }
}

function choose(operation: Operation, vm: Vm, records: Records): string {
  const { options: { to, avoid = [] }, tried = [] } = operation;
  const isMoved = vm.status.state !== "absent";
  const source = records.nodes.latest(vm.node ?? "");
  if (isMoved && !canMigrate(source, vm)) {
    throw new UsherError(
      "unsupported",
      `Cannot migrate VM "${vm.name}": driver "${vm.spec.driver}" of node ${vm.node} cannot migrate`,
      { hint: "stop it, and start another elsewhere", subject: vm.name },
    );
  }
  return targetFor(vm, records, {
    what: `migrate VM "${vm.name}" to`,
    on: to,
    exclude: [...vm.node === null ? [] : [vm.node], ...avoid, ...tried],
    abilities: isMoved ? [MIGRATION] : [],
  });
}

function canMigrate(node: Node | undefined, { spec }: Vm): boolean {
  return node?.drivers.some(({ name, abilities }) =>
    name === spec.driver && abilities.includes(MIGRATION)
  ) === true;
}
