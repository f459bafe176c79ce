/**
 * What is written of an answer that a node gave about a domain.
 *
 * Nobody tells it again: the node takes it for told, so it counts also when it
 * is not what was hoped for. Only what was heard since is newer. While
 * something is taken back it is written as soon as it is there: held back until
 * the rest is taken back too, it would write over what the node tells meanwhile,
 * and a guest that has ended since would be `running` for good.
 *
 * @module
 */
import type { DomainFrame } from "../../schema/frame.ts";
import type { Write } from "../records/records.ts";
import { durably } from "./durably.ts";
import type { RunParts } from "./run_parts.ts";

/** The writes of an answer, or of what passed it; none when that is durable already. */
export function answerWrites(
  { domains, links }: RunParts,
  node: string,
  domain: DomainFrame,
): Write[] {
  const newest = links.link(node).newestSince(domain);
  return newest === null ? [] : domains.writesFor(node, newest);
}

/** Writes what `node` answered of `domain`, or what was heard since; resolves once it is durable. */
export async function noteAnswer(
  parts: RunParts,
  node: string,
  domain: DomainFrame | null,
): Promise<void> {
  if (domain === null) return;
  await durably(parts, () => ({
    writes: answerWrites(parts, node, domain),
    result: undefined,
  }));
  parts.links.link(node).used(domain);
}
