/**
 * The change of plugins that is under way, for whoever waits for it: since
 * when, who asked, and which plugins are still read or started.
 *
 * @module
 */
import type { PluginChangeUnderWay } from "../../schema/plugin_life.ts";
import { type Clock, isoTime } from "../../sys/clock.ts";

type Begun = Pick<PluginChangeUnderWay, "doing" | "by" | "since">;

/** What a change waits for; there is one at a time. */
export class ChangeUnderWay {
  readonly #clock: Clock;
  #begun: Begun | null = null;
  /** Plugins, and how often each is waited for. */
  readonly #waits = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What is under way; null for nothing. */
  get view(): PluginChangeUnderWay | null {
    return this.#begun === null
      ? null
      : { ...this.#begun, waitsFor: [...this.#waits.keys()].toSorted() };
  }

  /** A change goes on until the result is disposed of. */
  begin(doing: Begun["doing"], by: string): Disposable {
    this.#begun = { doing, by, since: isoTime(this.#clock.now()) };
    return { [Symbol.dispose]: () => void (this.#begun = null) };
  }

  /** It waits for these plugins until the result is disposed of. */
  waits(...plugins: readonly string[]): Disposable {
    const count = (name: string, by: number) => {
      const now = (this.#waits.get(name) ?? 0) + by;
      if (now === 0) this.#waits.delete(name);
      else this.#waits.set(name, now);
    };
    for (const name of plugins) count(name, 1);
    return {
      [Symbol.dispose]: () => {
        for (const name of plugins) count(name, -1);
      },
    };
  }
}
