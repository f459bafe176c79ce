/**
 * Lines in an operation's trail that come from what was told of it: who was
 * slow to hear, and who could not be told. The operation may have ended; what
 * it came to stays as it is.
 *
 * @module
 */
import { messageOf } from "../../error/mod.ts";
import type { TrailEntry } from "../../schema/operation.ts";
import type { CtrlContext } from "../context.ts";
import type { Records } from "../records/records.ts";
import { operationWrite } from "./writes.ts";

/** Puts `lines` into a trail; nobody waits for it, and an operation that is gone has none. */
export function noteTrail(
  { context: { log }, records }: {
    readonly context: CtrlContext;
    readonly records: Records;
  },
  id: string,
  lines: readonly TrailEntry[],
): void {
  const operation = records.operations.latest(id);
  if (operation === undefined) return;
  const trail = [...operation.trail, ...lines];
  const note = lines.map(({ source, text }) => `${source} ${text}`).join("; ");
  records.write([operationWrite({ ...operation, trail }, note)]).catch(
    (error) =>
      log.warn("a trail could not be written", {
        operation: id,
        error: messageOf(error),
      }),
  );
}
