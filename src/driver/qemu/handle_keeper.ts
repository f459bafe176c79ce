/**
 * Keeping a domain's handle while others go on: one write after another, so
 * that the newest is what stays.
 *
 * @module
 */
import type { DriverContext } from "../driver.ts";
import { saveHandle } from "../kept_handles.ts";
import type { Handle } from "./handle.ts";
import type { Layout } from "./layout.ts";

/** Writes the handles of one domain. */
export class HandleKeeper {
  readonly #layout: Layout;
  readonly #log: DriverContext["log"];
  #saving: Promise<void> = Promise.resolve();

  constructor(layout: Layout, log: DriverContext["log"]) {
    this.#layout = layout;
    this.#log = log;
  }

  /** Keeps `handle` soon. A failure is logged: what runs matters more than what is known of it. */
  save(handle: Handle): void {
    this.#saving = this.#saving.then(() => saveHandle(this.#layout, handle))
      .catch((error) =>
        this.#log("error", "cannot keep how a domain ended", {
          uid: handle.uid,
          error,
        })
      );
  }

  /** Keeps `handle` before this resolves. Throws when that fails. */
  async keep(handle: Handle): Promise<void> {
    await this.#saving;
    const saving = saveHandle(this.#layout, handle);
    this.#saving = saving.catch(() => {});
    await saving;
  }

  /** Resolves when all that was to be kept is durable, or was given up. */
  settled(): Promise<void> {
    return this.#saving;
  }
}
