/**
 * Errors that whoever threw them has noted, so that nobody on their way out
 * does so again.
 *
 * @module
 */

const noted = new WeakSet<object>();

/** Says that the audit log has a note of this error. */
export function noteError(error: unknown): void {
  if (error instanceof Error) noted.add(error);
}

/** Whether the audit log has a note of this error. */
export function isNoted(error: unknown): boolean {
  return error instanceof Error && noted.has(error);
}
