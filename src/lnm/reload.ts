/**
 * Reading lnm.yaml anew while the node works: all of it is right, or nothing
 * of it is taken. What only a restart can take is told, at each reload until
 * then; a restart of an LNM costs no VM.
 *
 * Nobody waits for an answer, so all that is told stands in the log.
 *
 * @module
 */
import { configChanges, withChanges } from "../core/config_change.ts";
import { isUsherError, messageOf } from "../error/mod.ts";
import { LnmConfig } from "../schema/config.ts";
import type { Log } from "../sys/log.ts";
import type { NodeFacts, NodeSettings } from "./settings.ts";

/** What a reload works with. */
export interface NodeReloadParts {
  readonly log: Log;
  /** What the node was started with. */
  readonly config: LnmConfig;
  readonly settings: Pick<NodeSettings, "take">;
  /** Reads the files anew. */
  readonly readConfig: () => Promise<LnmConfig>;
  readonly factsOf: (config: LnmConfig) => Promise<NodeFacts>;
  /** Told what is in force from now on; may not fail. */
  readonly onConfig?: ((config: LnmConfig) => void) | undefined;
}

/** The configuration of a node at work. */
export class NodeReload {
  readonly #parts: NodeReloadParts;
  #current: LnmConfig;
  /** One at a time: each is compared with what the one before left. */
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: NodeReloadParts) {
    this.#parts = parts;
    this.#current = parts.config;
  }

  /** Takes what can be taken of the files as they are now; never rejects. */
  reload(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#reload()).catch((error) => {
      const hint = isUsherError(error) ? error.details.hint : undefined;
      this.#parts.log.error(
        "the configuration was not taken; what runs goes on",
        {
          error: messageOf(error),
          ...(hint === undefined ? {} : { hint }),
        },
      );
    });
    return this.#turn;
  }

  async #reload(): Promise<void> {
    const { log, readConfig, factsOf, settings, onConfig } = this.#parts;
    const read = await readConfig();
    const changes = configChanges(LnmConfig, this.#current, read);
    const live = changes.filter((change) => change.live);
    const next = withChanges(this.#current, read, live);
    const facts = await factsOf(next);
    this.#current = next;
    // A session is not cut for what the controller does not hear of.
    if (live.some(({ path: [section] }) => section !== "log")) {
      settings.take(facts);
    }
    onConfig?.(next);
    log.info("the configuration was read anew", {
      taken: live.map(({ key, to }) => `${key}: ${to}`),
    });
    for (const { key, from, to, live } of changes) {
      if (live) continue;
      log.warn("a change of the configuration needs a restart", {
        key,
        from,
        to,
      });
    }
  }
}
