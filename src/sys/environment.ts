/**
 * Environment variables.
 *
 * @module
 */

/** The value of a variable; undefined when it is not set. */
export function environment(name: string): string | undefined {
  return Deno.env.get(name);
}
