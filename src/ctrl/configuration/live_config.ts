/**
 * The configuration in force. Whoever was given its view reads what is in
 * force at that moment: so nobody must be told when it changes, and nobody may
 * keep a section for later that a reload can take.
 *
 * @module
 */
import { CtrlConfig } from "../../schema/config.ts";

/** A configuration that can be replaced while it is read. */
export class LiveConfig {
  /** Always the one in force. */
  readonly view: CtrlConfig;
  #current: CtrlConfig;

  constructor(first: CtrlConfig) {
    this.#current = first;
    const sections = Object.keys(CtrlConfig.shape).map((key) => [key, {
      enumerable: true,
      get: () => this.#current[key as keyof CtrlConfig],
    }]);
    this.view = Object.defineProperties(
      {},
      Object.fromEntries(sections),
    ) as CtrlConfig;
  }

  /** The one in force, which is never changed itself. */
  get current(): CtrlConfig {
    return this.#current;
  }

  /** From now on this one is in force. */
  take(config: CtrlConfig): void {
    this.#current = config;
  }
}
