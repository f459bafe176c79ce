/**
 * Bytes that came in parts.
 *
 * @module
 */

/** All of `parts`, which are `length` bytes together; a single part is not copied. */
export function joined(
  parts: readonly Uint8Array[],
  length: number,
): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
