/**
 * Clocks that disagree: each beat of a node says what time it is there.
 *
 * Nothing of usher's own goes by it: leases and deadlines are measured with
 * clocks that only go forward. But certificates are judged by it, and people
 * read logs of several machines side by side. So it is told, and whose clock
 * is wrong is guessed by how many disagree.
 *
 * @module
 */
import { isoTime } from "../../sys/clock.ts";
import type { CtrlContext } from "../context.ts";
import type { NodeLink, NodeLinks } from "./node_links.ts";

/** Clocks that are apart by less are right. */
export const APART_MS = 60_000;

/** What is looked at. */
export interface ClockParts {
  readonly context: CtrlContext;
  readonly links: NodeLinks;
}

/** A node says what time it has. Said in the log when it becomes wrong, and when it is right again. */
export function noteClock(
  { context, links }: ClockParts,
  link: NodeLink,
  time: number | undefined,
): void {
  if (time === undefined) return;
  const { clock, log } = context;
  const now = clock.now();
  const wasWrong = isApart(link.clockAheadMs);
  link.clockAheadMs = Math.round(time - now);
  const isWrong = isApart(link.clockAheadMs);
  if (isWrong === wasWrong) return;
  const times = { node: link.name, there: isoTime(time), here: isoTime(now) };
  if (!isWrong) return log.info("a node's clock is right again", times);
  log.warn("a node's clock and this controller's are apart", {
    ...times,
    hint: isOwnWrong(links)
      ? "all nodes disagree with this machine's clock: correct it"
      : "correct the clock of the node, or let it be kept by NTP",
  });
}

function isApart(aheadMs: number | null): boolean {
  return aheadMs !== null && Math.abs(aheadMs) >= APART_MS;
}

/** Whether several nodes are apart from this controller and agree with each other. */
export function isOwnWrong(links: NodeLinks): boolean {
  const ahead = [...links.all()]
    .map(({ clockAheadMs }) => clockAheadMs)
    .filter((ms) => ms !== null);
  if (ahead.length < 2 || !ahead.every(isApart)) return false;
  return Math.max(...ahead) - Math.min(...ahead) < APART_MS;
}
