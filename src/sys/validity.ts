/**
 * How long a certificate holds, and when it is time for the next.
 *
 * @module
 */

/** From when until when, in milliseconds since 1970. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Whether less than a third of a certificate's life is left at `now`. */
export function needsRenewal(
  { notBefore, notAfter }: Validity,
  now: number,
): boolean {
  return notAfter - now < (notAfter - notBefore) / 3;
}
