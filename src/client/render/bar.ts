/**
 * How far something long has come, at a glance: a bar, how fast it goes, and
 * when it should be over.
 *
 * What is expected comes from what has been, so nothing is promised before
 * something is done.
 *
 * @module
 */
import { took } from "./format.ts";

/** `[######--------------]`; plain letters, which every terminal has. */
export function barText(share: number, cells = 20): string {
  const full = Math.floor(cells * Math.min(1, Math.max(0, share)));
  return `[${"#".repeat(full)}${"-".repeat(cells - full)}]`;
}

/** `, 12/s, 3s left`; empty before anything is done, and once all is. */
export function paceText(
  done: number,
  total: number,
  elapsedMs: number,
): string {
  if (done <= 0 || done >= total || elapsedMs <= 0) return "";
  const perSecond = done / elapsedMs * 1000;
  const leftMs = (total - done) / done * elapsedMs;
  return `, ${rateText(perSecond)}, ${took(leftMs)} left`;
}

/** A slow pace is told by the minute: `0/s` says nothing. */
function rateText(perSecond: number): string {
  if (perSecond >= 10) return `${Math.round(perSecond)}/s`;
  return perSecond >= 1
    ? `${perSecond.toFixed(1)}/s`
    : `${(perSecond * 60).toFixed(1)}/min`;
}
