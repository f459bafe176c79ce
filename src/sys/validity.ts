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

/**
 * Whether a certificate should be replaced at `now`: less than a third of its
 * life is left, or it is not valid yet, since it was made while the machine's
 * clock was ahead.
 */
export function needsRenewal(
  { notBefore, notAfter }: Validity,
  now: number,
): boolean {
  return now < notBefore || notAfter - now < (notAfter - notBefore) / 3;
}
