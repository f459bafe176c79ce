/**
 * The caller: who a request comes from, a client with a session or a plugin.
 *
 * What a caller may do is asked of it wherever it matters, so every part of
 * the controller knows this, and it knows none of them.
 *
 * @module
 */
import type { Filed, Role } from "../../schema/stored.ts";

/** Who a request comes from. */
export interface Caller {
  readonly user: string;
  readonly role: Role;
  readonly expiresAt: string;
  readonly session: string;
  /** Groups that a directory puts the user in. */
  readonly groups?: readonly string[];
  /** The plugin that asks; absent when a client does. */
  readonly plugin?: PluginCaller;
}

/** What is known of a plugin that asks. */
export interface PluginCaller extends Omit<Filed, "plugin"> {
  readonly name: string;
  /** Whether it was granted the VM of this full name. */
  readonly reaches: (vm: string) => boolean;
  /** What it is for, as the plugin tells people. */
  readonly why?: string;
}
