/**
 * Waiting for a condition with a deadline, the only kind of wait in tests.
 *
 * @module
 */
import { messageOf } from "../../src/error/mod.ts";

/** How long to wait, and how often to look. */
export interface UntilOptions {
  readonly deadlineMs?: number;
  /** The longest pause between two looks; the first ones are shorter. */
  readonly everyMs?: number;
}

/**
 * Waits until `predicate` answers something true, and answers that. A throw
 * of the predicate counts as "not yet". When the deadline is over it throws,
 * naming `what`, how long it waited, and what it saw or caught last.
 */
export async function until<T>(
  what: string,
  predicate: () => T | Promise<T>,
  { deadlineMs = 10_000, everyMs = 50 }: UntilOptions = {},
): Promise<NonNullable<T>> {
  const end = performance.now() + deadlineMs;
  let last = "nothing";
  for (let pause = 1;; pause = Math.min(pause * 2, everyMs)) {
    try {
      const value = await predicate();
      if (value) return value;
      last = describe(value);
    } catch (error) {
      last = `the error "${messageOf(error)}"`;
    }
    if (performance.now() >= end) {
      throw new Error(
        `Waited ${deadlineMs} ms in vain until ${what}; last seen: ${last}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** `promise`, or a throw that names `what` once the deadline is over. */
export async function within<T>(
  what: string,
  deadlineMs: number,
  promise: Promise<T>,
): Promise<T> {
  const { promise: over, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`Not within ${deadlineMs} ms: ${what}`)),
    deadlineMs,
  );
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
}

function describe(value: unknown): string {
  return value === undefined ? "undefined" : JSON.stringify(value);
}
