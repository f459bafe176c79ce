/**
 * Reading ctrl.yaml anew while the controller runs: all that is in it is right
 * and its plugins run, or nothing of it is taken.
 *
 * What can fail comes first (reading, then the plugins, which are a set that
 * takes the old one's place as a whole); what is left is a few values that are
 * looked up whenever they are needed, and cannot fail. What only a restart can
 * take stays as it is and is told, at each reload until then.
 *
 * @module
 */
import {
  type ConfigChange,
  configChanges,
  withChanges,
} from "../../core/config_change.ts";
import { messageOf } from "../../error/mod.ts";
import { CtrlConfig } from "../../schema/config.ts";
import type {
  ConfigReloadAnswer,
  KeyChange,
} from "../../schema/config_reload.ts";
import type { ReloadAnswer } from "../../schema/plugin_life.ts";
import type { Locate } from "../../plugin/files/mistake.ts";
import type { CtrlContext } from "../context.ts";
import type { PluginAdmin } from "../plugins/admin.ts";
import type { LiveConfig } from "./live_config.ts";

/** The whole configuration as it is now, and where its keys stand. */
export interface WholeConfig {
  readonly config: CtrlConfig;
  readonly locate: Locate;
}

/** What a reload works with. */
export interface ReloadParts {
  readonly context: CtrlContext;
  readonly live: LiveConfig;
  readonly plugins: Pick<PluginAdmin, "reload">;
  /** Reads the files anew; where there are none, plugins alone are read anew. */
  readonly readConfig?: (() => Promise<WholeConfig>) | undefined;
  /** Told what is in force from now on; may not fail. */
  readonly onTaken: (config: CtrlConfig) => void;
}

/** The sections that plugins are made of. */
const PLUGIN_KEYS = ["plugins", "plugin_dirs"];

/** What administrators may do to the configuration, as the API calls it. */
export interface ConfigAdmin {
  /**
   * Takes what can be taken of the files as they are now; with `check` only
   * tells. Throws what is wrong with them, and then nothing has changed.
   */
  reload(check: boolean, by: string): Promise<ConfigReloadAnswer>;
  /** Takes the plugins of the files alone, and tells what else differs there. */
  reloadPlugins(check: boolean, by: string): Promise<ReloadAnswer>;
}

/** Of a site such as usher dev makes. */
const NO_FILES =
  "this controller was started without files of its own: plugins alone were read anew";

/** The configuration of a running controller. */
export class ConfigReload implements ConfigAdmin {
  readonly #parts: ReloadParts;
  /** One at a time: each is compared with what the one before left. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: ReloadParts) {
    this.#parts = parts;
  }

  reload(check: boolean, by: string): Promise<ConfigReloadAnswer> {
    return this.#inTurn(async () => {
      const { context: { log } } = this.#parts;
      try {
        const answer = await this.#reload(check, by);
        if (!check) this.#say(answer, by);
        return answer;
      } catch (error) {
        if (!check) {
          log.error("the configuration was not taken; what runs goes on", {
            by,
            error: messageOf(error),
          });
        }
        throw error;
      }
    });
  }

  reloadPlugins(check: boolean, by: string): Promise<ReloadAnswer> {
    return this.#inTurn(async () => {
      const { plugins, live, readConfig } = this.#parts;
      const read = await readConfig?.();
      const answer = await plugins.reload(check, by, read);
      if (read === undefined) return answer;
      const changes = this.#changes(read.config);
      if (!check) this.#take(read.config, changes.filter(isOfPlugins));
      const others = configChanges(CtrlConfig, live.current, read.config)
        .filter((change) => !isOfPlugins(change));
      return {
        ...answer,
        warnings: [...answer.warnings, ...others.map(notTakenText)],
      };
    });
  }

  async #reload(check: boolean, by: string): Promise<ConfigReloadAnswer> {
    const { plugins, readConfig } = this.#parts;
    if (readConfig === undefined) {
      const { changes, warnings } = await plugins.reload(check, by);
      return {
        taken: [],
        needsRestart: [],
        plugins: changes,
        warnings: [...warnings, NO_FILES],
      };
    }
    const read = await readConfig();
    const changes = this.#changes(read.config);
    const { changes: ofPlugins, warnings } = await plugins.reload(
      check,
      by,
      read,
    );
    const live = changes.filter((change) => change.live);
    if (!check) this.#take(read.config, live);
    return {
      taken: live.filter((change) => change.key !== "plugins").map(keyChange),
      needsRestart: changes.filter((change) => !change.live).map(keyChange),
      plugins: ofPlugins,
      warnings,
    };
  }

  #changes(config: CtrlConfig): ConfigChange[] {
    return configChanges(CtrlConfig, this.#parts.live.current, config);
  }

  #take(config: CtrlConfig, changes: readonly ConfigChange[]): void {
    const { live, onTaken } = this.#parts;
    live.take(withChanges(live.current, config, changes));
    onTaken(live.current);
  }

  #say({ taken, needsRestart }: ConfigReloadAnswer, by: string): void {
    const { log } = this.#parts.context;
    log.info("the configuration was read anew", {
      by,
      taken: taken.map(({ key, to }) => `${key}: ${to}`),
    });
    for (const { key, from, to } of needsRestart) {
      log.warn("a change of the configuration needs a restart", {
        key,
        from,
        to,
      });
    }
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(change);
    this.#turn = turn.catch(() => {});
    return turn;
  }
}

function isOfPlugins({ key }: ConfigChange): boolean {
  return PLUGIN_KEYS.includes(key);
}

function keyChange({ key, from, to }: ConfigChange): KeyChange {
  return { key, from, to };
}

function notTakenText({ key, live, from, to }: ConfigChange): string {
  const what = `${key} is ${to || "not given"} in the file, and ${
    from || "not given"
  } in force`;
  return live
    ? `${what}: usher ctrl reload takes it`
    : `${what}: it needs a restart`;
}
