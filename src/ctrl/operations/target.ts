/**
 * Choosing the node that a VM moves to, in one synchronous decision.
 *
 * @module
 */
import { advance, ended } from "../../core/advance.ts";
import { targeted } from "../../core/migration.ts";
import { place, type PlacementNode } from "../../core/placement/place.ts";
import { UsherError } from "../../error/mod.ts";
import type { Node } from "../../schema/node.ts";
import type { Vm } from "../../schema/vm.ts";
import { placementNodes } from "../capacity.ts";
import type { Move } from "../../core/advance.ts";
import { type PlacedMove, type Placing, wishOf } from "./placing.ts";

/** The ability that a driver needs at both ends. */
const ABILITY = "migration";

/** Chooses a target for a migration whose next step asks for one. */
export function chooseTarget(
  move: Move,
  vm: Vm,
  placing: Placing,
): PlacedMove {
  const { operation } = move;
  try {
    const node = targetFor(move, vm, placing);
    const chosen = targeted(operation, vm, node);
    const { at } = placing;
    return { ...advance(chosen, vm, { at, uncertain: false }), writes: [] };
  } catch (error) {
    return { ...ended(operation, placing.at, error), writes: [] };
  }
}

function targetFor({ operation }: Move, vm: Vm, placing: Placing): string {
  const { options: { to }, tried = [] } = operation;
  const { records, isStarting } = placing;
  const isMoved = vm.status.state !== "absent";
  const source = records.nodes.latest(vm.node ?? "");
  if (isMoved && !canMigrate(source, vm)) {
    throw new UsherError(
      "unsupported",
      `Cannot migrate VM "${vm.name}": driver "${vm.spec.driver}" of node ${vm.node} cannot migrate`,
      { hint: "stop it, and start another elsewhere", subject: vm.name },
    );
  }
  const others = placementNodes(
    records,
    (uid) => uid !== vm.uid && isStarting(uid),
  ).filter(({ name }) => name !== vm.node && !tried.includes(name));
  const able = others.filter(({ name }) =>
    !isMoved || canMigrate(records.nodes.latest(name), vm)
  );
  const [placement] = place(able, [wishOf(vm, to)]);
  if (placement?.type === "placed") return placement.node;
  throw noTarget(vm, to, others, {
    ...Object.fromEntries(
      others.filter((node) => !able.includes(node)).map(({ name, drivers }) => [
        name,
        drivers.includes(vm.spec.driver ?? "")
          ? `driver "${vm.spec.driver}" cannot migrate there`
          : `driver "${vm.spec.driver}" is not healthy there`,
      ]),
    ),
    ...placement?.refusals,
  });
}

function canMigrate(node: Node | undefined, { spec }: Vm): boolean {
  return node?.drivers.some(({ name, abilities }) =>
    name === spec.driver && abilities.includes(ABILITY)
  ) === true;
}

function noTarget(
  vm: Vm,
  to: string | undefined,
  others: readonly PlacementNode[],
  refusals: Readonly<Record<string, string>>,
): UsherError {
  const why = Object.entries(refusals);
  if (to !== undefined) {
    return new UsherError(
      "insufficient_resources",
      `Cannot migrate VM "${vm.name}" to node ${to}`,
      {
        hint: refusals[to] ?? "there is no such node any more",
        refusals: to in refusals ? { [to]: refusals[to] ?? "" } : {},
        subject: vm.name,
      },
    );
  }
  const shown = why.slice(0, 5).map(([node, text]) => `${node}: ${text}`);
  const more = others.length > 5 ? `; and ${others.length - 5} more nodes` : "";
  return new UsherError(
    "insufficient_resources",
    `Cannot migrate VM "${vm.name}": no other node can take it in`,
    {
      hint: why.length === 0
        ? "there is no other node to try"
        : shown.join("; ") + more,
      refusals,
      subject: vm.name,
    },
  );
}
