/**
 * Versions that run beside plugins: those that the configuration names, and
 * one that an administrator tries for a while.
 *
 * Reading plugins anew ends those that are only tried: what they ran beside may
 * be another. So does their time, since whoever began one may be gone.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { LoadedPlugin } from "../../plugin/runner.ts";
import type { ShadowView } from "../../schema/plugin.ts";
import type { ShadowRequest } from "../../schema/plugin_life.ts";
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
  /** The time of the one beside a plugin is up: whoever swaps sets ends it. */
  readonly timeIsUp: (plugin: string) => void;
}

/** The versions that run beside plugins. */
export class Shadows implements Disposable {
  readonly #parts: ShadowParts;
  #shadows: readonly Shadow[] = [];
  /** Ends the first one whose time is up. */
  #timer: Disposable | null = null;
  #isClosed = false;

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

  /** Reads a version that is to run beside those that run, for so long. */
  async readBeside(
    live: LoadedPlugin,
    { path, forMs }: ShadowRequest,
  ): Promise<Shadow[]> {
    const { clock } = this.#parts.reading;
    const until = forMs === undefined ? null : clock.now() + forMs;
    const others = this.without(live.name);
    return [...others, await this.#readOne(live, path, until)];
  }

  /** Those that run, but for the one beside a plugin. */
  without(plugin: string): Shadow[] {
    return this.#shadows.filter(({ live }) => live.name !== plugin);
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
      this.#arm();
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

  /** Nothing ends by its time any more. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#timer?.[Symbol.dispose]();
  }

  #arm(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
    const [first] = this.#shadows.filter(({ until }) => until !== null)
      .toSorted((a, b) => (a.until ?? 0) - (b.until ?? 0));
    if (first === undefined || this.#isClosed) return;
    const { reading: { clock }, timeIsUp } = this.#parts;
    const left = Math.max(0, (first.until ?? 0) - clock.now());
    this.#timer = clock.after(left, () => timeIsUp(first.live.name));
  }

  async #readOne(
    live: LoadedPlugin,
    path: string,
    until: number | null = null,
  ): Promise<Shadow> {
    const { source, reading } = this.#parts;
    if (source.readShadow === undefined) {
      throw new UsherError(
        "unsupported",
        "This controller runs no plugins beside others",
      );
    }
    const other = await source.readShadow(live, path, reading);
    return { live, other, until };
  }
}
