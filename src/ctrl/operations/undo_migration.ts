/**
 * Taking back a migration that was not switched: the source goes on as before,
 * and nothing is left at the target.
 *
 * A node that is out of reach is not waited for longer than until it counts as
 * lost: the VM is safe as it is, and what is left is cleared away when the node
 * is back (`leftovers.ts`).
 *
 * @module
 */
import { transferOf } from "../../core/migration.ts";
import { messageOf } from "../../error/mod.ts";
import type { DomainFrame } from "../../schema/frame.ts";
import type { Operation } from "../../schema/operation.ts";
import type { Vm } from "../../schema/vm.ts";
import { Deadline } from "../../sys/clock.ts";
import { noteAnswer } from "./note_answer.ts";
import type { RunParts } from "./run_parts.ts";
import { driverOf } from "./steps.ts";
import { isCut, untilReachable } from "./taking.ts";
import type { Undone } from "./undo.ts";

const UNDO_MS = 120_000;

/** An act that a cut interrupted is asked so many times in all. */
const MAX_ATTEMPTS = 5;

/** What of a node's reason goes into the trail; a node may say any amount. */
const MAX_WHY = 500;

/** Takes back what `operation` began at both ends. */
export async function undoMigration(
  parts: RunParts,
  operation: Operation,
): Promise<Undone> {
  const vm = parts.records.vms.latest(operation.uid);
  const { from, to, begun } = operation;
  const isBegun = begun.includes("offer") && from !== null && to !== null;
  if (vm === undefined || !isBegun) {
    return { writes: () => [], trail: [], certain: false };
  }
  const [source, target] = await Promise.all([
    abortAtSource(parts, operation, vm, from),
    releaseAtTarget(parts, operation, vm, to),
  ]);
  return { ...source, trail: [...source.trail, ...target] };
}

async function abortAtSource(
  parts: RunParts,
  operation: Operation,
  vm: Vm,
  node: string,
): Promise<Undone> {
  try {
    const domain = await ask(parts, operation, vm, "abort", node);
    await noteAnswer(parts, node, domain);
    return {
      writes: () => [],
      trail: [`the VM stays on ${node}, as it was`],
      certain: true,
    };
  } catch (error) {
    parts.leftovers.suspect(node, vm.uid, driverOf(vm));
    const text = `${node} ends the migration later: ${why(error)}`;
    return { writes: () => [], trail: [text], certain: false };
  }
}

async function releaseAtTarget(
  parts: RunParts,
  operation: Operation,
  vm: Vm,
  node: string,
): Promise<string[]> {
  if (!operation.begun.includes("receive")) return [];
  try {
    // Nobody waits for a target that is gone: there the VM is not.
    if (parts.links.link(node).ready) {
      await ask(parts, operation, vm, "release", node);
      return [];
    }
  } catch (error) {
    parts.leftovers.suspect(node, vm.uid, driverOf(vm));
    return [`the copy on ${node} is cleared away later: ${why(error)}`];
  }
  parts.leftovers.suspect(node, vm.uid, driverOf(vm));
  return [`the copy on ${node} is cleared away once it is back`];
}

async function ask(
  parts: RunParts,
  operation: Operation,
  vm: Vm,
  verb: "abort" | "release",
  node: string,
): Promise<DomainFrame | null> {
  const { from, to } = operation;
  const transfer = transferOf(operation, (node === from ? to : from) ?? node);
  using deadline = new Deadline(
    parts.context.clock,
    UNDO_MS,
    `answer to "${verb}"`,
    parts.stopped,
  );
  for (let attempt = 1;; attempt++) {
    await untilReachable(parts, node, vm, deadline.signal);
    try {
      return await parts.links.link(node).act({
        id: `${transfer.id}.${verb}-undo`,
        verb,
        driver: driverOf(vm),
        uid: vm.uid,
        plan: null,
        transfer,
        graceMs: 0,
      }, deadline.signal);
    } catch (error) {
      if (!isCut(error) || attempt >= MAX_ATTEMPTS) throw error;
    }
  }
}

function why(error: unknown): string {
  return messageOf(error).slice(0, MAX_WHY);
}
