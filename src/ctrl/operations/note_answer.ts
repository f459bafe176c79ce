/**
 * Noting what a node answered while something was taken back.
 *
 * The write is made as soon as the answer is there: held back until the rest
 * is taken back too, it would write over what the node tells meanwhile, and a
 * guest that has ended since would be `running` for good.
 *
 * @module
 */
import type { DomainFrame } from "../../schema/frame.ts";
import { durably } from "./durably.ts";
import type { RunParts } from "./run_parts.ts";

/** Writes what `node` answered of `domain`, or what was heard since; resolves once it is durable. */
export async function noteAnswer(
  parts: RunParts,
  node: string,
  domain: DomainFrame | null,
): Promise<void> {
  if (domain === null) return;
  const link = parts.links.link(node);
  await durably(parts, () => {
    const newest = link.newestSince(domain);
    const writes = newest === null ? [] : parts.domains.writesFor(node, newest);
    return { writes, result: undefined };
  });
  link.used(domain);
}
