/**
 * What handlers ask through `ctx`, answered.
 *
 * A grant is looked up at every ask, so one that is taken back is gone at once,
 * also for calls that are under way.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import {
  type AskAnswerer,
  type Asking,
  type AskName,
  type AskParams,
  ASKS,
} from "../../plugin/asks.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Answers, By } from "./ask.ts";
import { Grant, type GrantedPlugin } from "./grant.ts";
import { Pace } from "./pace.ts";

interface Known {
  readonly grant: Grant;
  readonly pace: Pace;
}

/** Answers the asks of the plugins that are in use. */
export class PluginAsks implements AskAnswerer {
  readonly #clock: Clock;
  #known: ReadonlyMap<string, Known> = new Map();
  /** Null until the controller can answer. */
  #answers: Answers | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** These plugins may ask from now on, and no others; each keeps its pace. */
  use(plugins: readonly GrantedPlugin[]): void {
    this.#known = new Map(plugins.map((plugin) => {
      const grant = new Grant(plugin);
      const before = this.#known.get(plugin.name);
      const pace = before?.grant.rate === grant.rate
        ? before.pace
        : new Pace(this.#clock, grant.plugin, grant.rate);
      return [plugin.name, { grant, pace }];
    }));
  }

  /** From now on these answer: the controller has what it answers from. */
  open(answers: Answers): void {
    this.#answers = answers;
  }

  async answer<N extends AskName>(
    name: N,
    params: AskParams<N>,
    asking: Asking,
  ): Promise<unknown> {
    const known = this.#known.get(asking.plugin);
    if (known === undefined) throw noPlugin(asking.plugin);
    known.grant.require(ASKS[name].needs, name);
    await known.pace.turn();
    if (this.#answers === null) throw tooEarly(asking.plugin);
    const answer = this.#answers[name] as (
      params: AskParams<N>,
      by: By,
    ) => unknown;
    return await answer(params, { asking, ...known });
  }
}

function noPlugin(plugin: string): UsherError {
  return new UsherError(
    "permission_denied",
    `Plugin "${plugin}" may ask nothing: it is not in use any more`,
    { subject: plugin, hint: 'see what there is with "usher plugin list"' },
  );
}

function tooEarly(plugin: string): UsherError {
  return new UsherError(
    "unavailable",
    `Plugin "${plugin}" asked before the controller had its records`,
    { subject: plugin, hint: "ask in a handler, not while the plugin loads" },
  );
}
