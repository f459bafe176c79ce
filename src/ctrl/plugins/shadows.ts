/**
 * Versions that run beside plugins: those that the configuration names, and
 * one that an administrator tries until the next reload.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { LoadedPlugin } from "../../plugin/runner.ts";
import type { ShadowView } from "../../schema/plugin.ts";
import type { PluginSource, ReadingPorts } from "./set.ts";
import type { Shadow, ShadowRunner } from "./shadow_runner.ts";

/** What shadows are read and run by. */
export interface ShadowParts {
  readonly source: PluginSource;
  readonly reading: ReadingPorts;
  readonly runner: Pick<
    ShadowRunner,
    "useShadows" | "shadowStatus" | "shadowView"
  >;
}

/** The versions that run beside plugins. */
export class Shadows {
  readonly #parts: ShadowParts;
  #shadows: readonly Shadow[] = [];

  constructor(parts: ShadowParts) {
    this.#parts = parts;
  }

  /** How the one beside a plugin has answered; null when there is none. */
  view(plugin: string): ShadowView | null {
    return this.#parts.runner.shadowView(plugin);
  }

  /** Those that run now. */
  get current(): readonly Shadow[] {
    return this.#shadows;
  }

  /** Reads the shadows that the configuration of these plugins names. */
  async read(plugins: readonly LoadedPlugin[]): Promise<Shadow[]> {
    return await Promise.all(
      plugins.flatMap((live) =>
        live.config.shadow === undefined
          ? []
          : [this.#readOne(live, live.config.shadow)]
      ),
    );
  }

  /** Reads the version at `path` beside those that run. */
  async readBeside(live: LoadedPlugin, path: string): Promise<Shadow[]> {
    const others = this.#shadows.filter((one) => one.live.name !== live.name);
    return [...others, await this.#readOne(live, path)];
  }

  /** Runs these and no others; throws when one does not start, and then those before run on. */
  async use(shadows: readonly Shadow[]): Promise<void> {
    const { runner } = this.#parts;
    if (shadows.length === 0 && this.#shadows.length === 0) return;
    await runner.useShadows(shadows);
    const failed = shadows.find(({ live }) =>
      runner.shadowStatus(live.name)?.state === "failed"
    );
    if (failed === undefined) {
      this.#shadows = shadows;
      return;
    }
    const { name, snapshot } = failed.other;
    const why = runner.shadowStatus(name)?.reason ?? "";
    await runner.useShadows(this.#shadows);
    throw new UsherError(
      "plugin_failed",
      `The shadow of plugin "${name}" (${snapshot.source}) does not start: ${why}`,
      {
        subject: name,
        hint: `usher plugin check ${snapshot.source} tells more`,
      },
    );
  }

  async #readOne(live: LoadedPlugin, path: string): Promise<Shadow> {
    const { source, reading } = this.#parts;
    if (source.readShadow === undefined) {
      throw new UsherError(
        "unsupported",
        "This controller runs no plugins beside others",
      );
    }
    return { live, other: await source.readShadow(live, path, reading) };
  }
}
