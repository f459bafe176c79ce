/**
 * The circuit of one registration: closed while its handler does its work,
 * open once it has failed again and again, trying after a while.
 *
 * While it is open no call is made, so a broken plugin costs those who ask
 * nothing but an error, where each would have cost them a deadline. Pure: the
 * caller gives the time, by a clock that only goes forward.
 *
 * ```
 * closed ──5 failures in a row, or 10 of the last 20──▶ open
 * open ──the back-off is over: one call is let through──▶ trying
 * trying ──it did well──▶ closed        trying ──it failed──▶ open, for twice as long
 * ```
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { CircuitState } from "../../schema/plugin.ts";

/** So many failures one after another open a circuit. */
export const IN_A_ROW = 5;
/** So many of the last `WINDOW` calls do, however many went well between them. */
export const IN_WINDOW = 10;
/** How many of the last calls are remembered. */
export const WINDOW = 20;
/** How long a circuit is open at first; twice as long each time after. */
export const FIRST_MS = 5000;
/** How long it is open at most. */
export const LONGEST_MS = 5 * 60_000;
/** Closed for so long, it starts with `FIRST_MS` again. */
export const WELL_MS = 10 * 60_000;
/** A trial of which nothing was heard for so long is followed by another. */
export const TRIAL_MS = 2 * 60_000;

/** How the calls of one registration have gone. */
export interface Circuit {
  readonly state: CircuitState;
  /** Changes with the state: what calls of an earlier round come to counts no more. */
  readonly round: number;
  /** When the state began. */
  readonly sinceMs: number;
  /** When it opened and has not been closed since; null while it is closed. */
  readonly openedMs: number | null;
  /** The next call is a trial from then on. */
  readonly untilMs: number;
  /** How often it has opened since it was well for long. */
  readonly openings: number;
  /** The last calls of this round, a bit each, failures being 1; the latest is lowest. */
  readonly history: number;
  /** The failure that opened it; empty while it is closed. */
  readonly reason: string;
}

/** The circuit of a handler that was never called. */
export const NEW_CIRCUIT: Circuit = {
  state: "closed",
  round: 0,
  sinceMs: 0,
  openedMs: null,
  untilMs: 0,
  openings: 0,
  history: 0,
  reason: "",
};

/** Whether a call may be made, and the circuit from then on. */
export interface Admission {
  readonly circuit: Circuit;
  readonly isAdmitted: boolean;
}

/** Asks for one call at `nowMs`; what it comes to is told to `settle` with the round of the circuit returned. */
export function admit(circuit: Circuit, nowMs: number): Admission {
  if (circuit.state === "closed") return { circuit, isAdmitted: true };
  if (nowMs < circuit.untilMs) return { circuit, isAdmitted: false };
  const trying: Circuit = {
    ...circuit,
    state: "trying",
    round: circuit.round + 1,
    sinceMs: nowMs,
    untilMs: nowMs + TRIAL_MS,
  };
  return { circuit: trying, isAdmitted: true };
}

/**
 * What a call of `round` came to: `failure` says what went wrong, null that
 * nothing did. A refusal is an answer, and no failure.
 */
export function settle(
  circuit: Circuit,
  round: number,
  failure: string | null,
  nowMs: number,
): Circuit {
  if (round !== circuit.round || circuit.state === "open") return circuit;
  if (circuit.state === "trying") {
    return failure === null ? close(circuit, nowMs) : open(
      circuit,
      failure,
      nowMs,
    );
  }
  const history = (circuit.history << 1 | (failure === null ? 0 : 1)) &
    (1 << WINDOW) - 1;
  const now = { ...circuit, history };
  return failure !== null && isTooMuch(history)
    ? open(now, failure, nowMs)
    : now;
}

function isTooMuch(history: number): boolean {
  const row = (1 << IN_A_ROW) - 1;
  return (history & row) === row || countOnes(history) >= IN_WINDOW;
}

function countOnes(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}

function open(circuit: Circuit, reason: string, nowMs: number): Circuit {
  const wasWell = circuit.state === "closed" &&
    nowMs - circuit.sinceMs >= WELL_MS;
  const openings = wasWell ? 1 : circuit.openings + 1;
  // The exponent is bounded before it is used: 2 ** 1100 is Infinity.
  const forMs = Math.min(
    FIRST_MS * 2 ** Math.min(openings - 1, 20),
    LONGEST_MS,
  );
  return {
    state: "open",
    round: circuit.round + 1,
    sinceMs: nowMs,
    openedMs: circuit.openedMs ?? nowMs,
    untilMs: nowMs + forMs,
    openings,
    history: 0,
    reason,
  };
}

function close(circuit: Circuit, nowMs: number): Circuit {
  return {
    ...NEW_CIRCUIT,
    round: circuit.round + 1,
    sinceMs: nowMs,
    openings: circuit.openings,
  };
}

/** Which handler a circuit is of. */
export interface CircuitOwner {
  readonly plugin: string;
  readonly event: string;
}

/** The two times of one moment. */
export interface Moment {
  /** By the clock that only goes forward, as the circuit's own. */
  readonly monotonicMs: number;
  /** Since 1970, for people. */
  readonly wallMs: number;
}

/** What is told to whoever asks while no call is made. */
export function circuitError(
  circuit: Circuit,
  { plugin, event }: CircuitOwner,
  now: Moment,
): UsherError {
  const openMs = now.monotonicMs - (circuit.openedMs ?? now.monotonicMs);
  const since = new Date(now.wallMs - openMs).toISOString();
  const next = Math.max(0, circuit.untilMs - now.monotonicMs);
  return new UsherError(
    "plugin_failed",
    `Plugin "${plugin}" is not asked about "${event}": its circuit is open since ${since}, after ${circuit.reason}`,
    {
      subject: plugin,
      hint: `it is tried again in ${Math.ceil(next / 1000)} s; ` +
        `"usher plugin show ${plugin}" says more, and "usher plugin reload" tries at once`,
    },
  );
}
