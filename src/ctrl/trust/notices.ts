/**
 * Certificates that are about to end: said 30 days ahead, to everybody who
 * calls, and in the log once a day.
 *
 * One that usher renews by itself is told of only when that must have failed,
 * which is when it has not been renewed a day after it was due.
 *
 * @module
 */
import type { Notice } from "../../schema/notice.ts";
import { isoTime } from "../../sys/clock.ts";
import type { CtrlContext } from "../context.ts";
import type { Trust } from "./site_trust.ts";

const DAY_MS = 86_400_000;

/** How long ahead it is said. */
export const AHEAD_MS = 30 * DAY_MS;

/** Ends do not move within so short a time. */
const KEPT_MS = 60_000;

/** What is looked at. */
type Shown = Pick<
  Trust,
  "leaf" | "caNotAfter" | "caFingerprint" | "renewsItself"
>;

/** What there is to say of a controller's certificates at `now`. */
export function certificateNotices(trust: Shown, now: number): Notice[] {
  const notices: Notice[] = [];
  const { renewsItself, caNotAfter, caFingerprint } = trust;
  if (caNotAfter - now <= AHEAD_MS) {
    notices.push({
      about: "certificate",
      text: `The site's CA (SHA-256 ${caFingerprint}) ${
        whenOf(caNotAfter, now)
      }`,
      hint: renewsItself
        ? "an administrator moves ca-key.pem out of the controller's tls directory and starts it again, which makes a new CA; then every client logs in and every node joins anew"
        : "an administrator puts a new CA and a certificate of it into the files that tls in ctrl.yaml names; then every client logs in and every node joins anew",
    });
  }
  const { notAfter } = trust.leaf();
  // It ends with its CA at the latest, of which that was said already.
  const isCas = renewsItself && notAfter >= caNotAfter;
  const ahead = renewsItself ? AHEAD_MS - DAY_MS : AHEAD_MS;
  if (!isCas && notAfter - now <= ahead) {
    notices.push({
      about: "certificate",
      text: `The controller's certificate ${whenOf(notAfter, now)}`,
      hint: renewsItself
        ? "it should have been renewed: the controller's log says why it was not"
        : "an administrator puts a new one into the files that tls in ctrl.yaml names; the controller takes it within the hour",
    });
  }
  return notices;
}

function whenOf(end: number, now: number): string {
  if (end <= now) return `has expired: it ended at ${isoTime(end)}`;
  const days = Math.floor((end - now) / DAY_MS);
  const left = days === 0
    ? "within a day"
    : `in ${days} day${days === 1 ? "" : "s"}`;
  return `ends ${left}, at ${isoTime(end)}`;
}

/** Notices that are asked for with every answer, and said in the log once a day. */
export class Notices {
  readonly #context: CtrlContext;
  readonly #trust: Shown;
  #kept: readonly Notice[] = [];
  #keptUntil = -Infinity;
  #saidAt = -Infinity;

  constructor(context: CtrlContext, trust: Shown) {
    this.#context = context;
    this.#trust = trust;
  }

  /** What there is to say now. */
  now(): readonly Notice[] {
    const { clock } = this.#context;
    const monotonic = clock.monotonic();
    if (monotonic >= this.#keptUntil) {
      this.#kept = certificateNotices(this.#trust, clock.now());
      this.#keptUntil = monotonic + KEPT_MS;
    }
    return this.#kept;
  }

  /** Says it in the log, if that was not done within a day. */
  say(): void {
    const { clock, log } = this.#context;
    const notices = certificateNotices(this.#trust, clock.now());
    const monotonic = clock.monotonic();
    if (notices.length === 0 || monotonic - this.#saidAt < DAY_MS) return;
    this.#saidAt = monotonic;
    for (const { text, hint } of notices) log.warn(text, { hint });
  }
}
