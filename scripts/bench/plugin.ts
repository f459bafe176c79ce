/**
 * What plugins cost: a call, a start, a controller with many, and one that
 * means harm.
 *
 * @module
 */
import { benchCalls } from "./plugin_calls.ts";
import { benchPluginSite } from "./plugin_site.ts";
import type { Row } from "./row.ts";

/** Every figure of plugins. */
export async function benchPlugin(): Promise<Row[]> {
  return [...await benchCalls(), ...await benchPluginSite()];
}
