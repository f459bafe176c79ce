/**
 * The wait for a plugin, as a person sees it: `waiting for plugin "x" (3 s)`.
 *
 * On a terminal one line counts; elsewhere it is said when it begins and then
 * more and more seldom, so that a log of a long wait stays short.
 *
 * @module
 */
import type { ProgressView } from "./progress.ts";

/** How a request waits for plugins. */
export class PluginWait {
  readonly #view: ProgressView;
  /** The plugin that is waited for; null before the first one. */
  plugin: string | null = null;
  #sayFromMs = 0;

  constructor(view: ProgressView) {
    this.#view = view;
  }

  say(
    { plugin, waitedMs }: {
      readonly plugin: string;
      readonly waitedMs: number;
    },
  ): void {
    if (plugin !== this.plugin) this.#sayFromMs = 0;
    this.plugin = plugin;
    if (!this.#view.isRedrawn) {
      if (waitedMs < this.#sayFromMs) return;
      this.#sayFromMs = waitedMs * 2;
    }
    this.#view.note(
      `waiting for plugin "${plugin}" (${Math.round(waitedMs / 1000)} s)`,
    );
  }
}
