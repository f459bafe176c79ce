/**
 * A plugin as the one who asks: `plugin:NAME`, which is no user's name, so
 * that nobody can be mistaken for one.
 *
 * It owns no VMs, hence it must write full names. What it reaches is what the
 * administrator granted, whatever a chain makes of its request later.
 *
 * @module
 */
import type { Filed } from "../../schema/stored.ts";
import type { Caller, PluginCaller } from "../auth/caller.ts";

/** How many requests of plugins may lead to one another. */
export const MAX_DEPTH = 4;

/** The caller that a plugin's request comes from; its role gives it nothing. */
export function callerOf(plugin: PluginCaller): Caller & {
  readonly plugin: PluginCaller;
} {
  return {
    user: `plugin:${plugin.name}`,
    role: "user",
    expiresAt: "",
    session: "",
    plugin,
  };
}

/** What the record of a request says of the plugin that filed it. */
export function filedBy(
  { plugin: its }: Caller,
): { readonly filed?: Filed } {
  if (its === undefined) return {};
  const { name: plugin, event, operation, cause, depth } = its;
  return { filed: { plugin, event, operation, cause, depth } };
}
