/**
 * Turns: whether what a request asks of a VM begins at once, waits behind what
 * holds the VM, or is refused for that.
 *
 * @module
 */
import { ended } from "../../core/advance.ts";
import { UsherError } from "../../error/mod.ts";
import type { Draft } from "./drafts.ts";
import { MAX_WAITING, takesOver } from "../operations/lane.ts";
import type { Named } from "../operations/runner.ts";

/** What has a VM now. */
export interface Holding {
  /** Null when the draft may begin at once. */
  readonly holder: Named | null;
  /** How many wait behind it. */
  readonly waiting: number;
}

/** The draft with its turn: claimed, waiting, or ended as `busy`. */
export function withTurn(
  draft: Draft,
  { holder, waiting }: Holding,
  at: string,
): Draft {
  if (holder === null) return { ...draft, claimed: true };
  const { operation } = draft;
  const refused = refusedTurn(draft, holder, waiting);
  if (refused !== null) {
    return {
      ...draft,
      vmChanged: false,
      operation: ended(operation, at, refused).operation,
    };
  }
  const text = `waits for ${holder.verb} ${holder.id}`;
  return {
    ...draft,
    operation: {
      ...operation,
      waitsFor: holder.id,
      trail: [...operation.trail, { at, source: "controller", text }],
    },
  };
}

/** Why an operation may not wait behind `holder`, or null when it may. */
function refusedTurn(
  { operation, vm }: Draft,
  holder: Named,
  waiting: number,
): UsherError | null {
  const cutsPower = takesOver(operation.verb);
  if (waiting >= (cutsPower ? 2 * MAX_WAITING : MAX_WAITING)) {
    return new UsherError(
      "busy",
      `${waiting} operations wait for "${holder.verb}" ${holder.id}, which holds ${vm.name}`,
      {
        holder: holder.id,
        hint: "wait until some have ended, or cancel them",
        subject: vm.name,
      },
    );
  }
  if (operation.options.queue || cutsPower) return null;
  return new UsherError(
    "busy",
    `"${holder.verb}" ${holder.id} holds ${vm.name}`,
    {
      holder: holder.id,
      hint: "leave out --no-queue to wait for it",
      subject: vm.name,
    },
  );
}
