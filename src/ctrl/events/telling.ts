/**
 * Telling, as the records see it: what goes into a commit besides its writes,
 * and what follows once that is durable.
 *
 * @module
 */
import type { ToldRecord } from "../../schema/stored.ts";
import type { Mutation } from "../../store/store.ts";
import type { Before, Stamped } from "./seen.ts";

/** Tells plugins of what was written. */
export interface Telling {
  /** What a commit calls for; it is kept until its chain has ended. */
  newsOf(commit: readonly Stamped[], before: Before): readonly ToldRecord[];
  /** What goes into the commit: records of the news, and the end of others. */
  mutations(told: readonly ToldRecord[]): readonly Mutation[];
  /** The commit is durable: it is told now. */
  durable(told: readonly ToldRecord[]): void;
  /** The commit failed, or its outcome is unknown; nothing is told. */
  failed(told: readonly ToldRecord[]): void;
}
