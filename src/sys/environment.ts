/**
 * Environment variables.
 *
 * @module
 */

/** The value of a variable; undefined when it is not set. */
export function environment(name: string): string | undefined {
  return Deno.env.get(name);
}

/** The names of all variables that are set. */
export function environmentNames(): string[] {
  return Object.keys(Deno.env.toObject());
}
