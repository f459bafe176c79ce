/**
 * The audit log of a stored state: whether its records are what was written,
 * from the first that is left to the last.
 *
 * @module
 */
import { broken, type Finding } from "../../core/invariants/finding.ts";
import { AuditPosition, ChainCheck } from "../../schema/audit.ts";
import { sha256 } from "../../sys/sha256.ts";
import { recordsOf } from "../audit/read.ts";

/** Goes through all blocks, in any order, and tells the first thing that is wrong. */
export function* checkAudit(
  position: unknown,
  blocks: readonly unknown[],
): Generator<Finding> {
  if (position === undefined && blocks.length === 0) return;
  const known = AuditPosition.safeParse(position);
  if (!known.success) {
    yield finding("The state does not say where its audit log ends");
    return;
  }
  const { anchor, head } = known.data;
  const check = new ChainCheck(sha256, { anchor, head });
  const records = blocks.flatMap(recordsOf).sort((a, b) => a.seq - b.seq);
  for (const record of records) {
    const wrong = check.next(record);
    if (wrong === null) continue;
    yield finding(wrong.text);
    return;
  }
  const wrong = check.end();
  if (wrong !== null) yield finding(wrong.text);
}

function finding(text: string): Finding {
  return broken(
    "audit-chain",
    "audit",
    text,
    "records that follow each other by their hashes, as they were written",
  );
}
