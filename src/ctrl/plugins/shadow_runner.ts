/**
 * Runs handlers, and beside some plugins another version of each, which is
 * called with the same arguments and only compared.
 *
 * What the other version files, fires or keeps goes nowhere: its calls are
 * replays. It delays nothing: an answer is given as soon as the live one is
 * there, and a version that falls behind misses calls, which are counted.
 *
 * @module
 */
import {
  type HandlerOutcome,
  isSameOutcome,
  outcomeOf,
  outcomeText,
} from "../../plugin/chain/outcome.ts";
import type {
  HandlerCall,
  HandlerResult,
  HandlerRunner,
  LoadedPlugin,
  Registration,
  RunnerStatus,
} from "../../plugin/runner.ts";
import { EVENTS, isEventName } from "../../schema/event.ts";
import type { ShadowView } from "../../schema/plugin.ts";
import { isoTime } from "../../sys/clock.ts";

/** Calls of one shadow that may be under way; more are left out. */
const MAX_CALLS = 32;

/** Differences that are kept of one shadow, the newest ones. */
const KEPT = 10;

/** A version that runs beside the live one. */
export interface Shadow {
  readonly live: LoadedPlugin;
  readonly other: LoadedPlugin;
  /** When it ends at the latest, in ms; null for one that lasts until plugins are read anew. */
  readonly until: number | null;
}

interface Comparing {
  readonly shadow: Shadow;
  readonly last: string[];
  calls: number;
  compared: number;
  different: number;
  skipped: number;
}

/** Runs handlers, and shadows beside them. */
export class ShadowRunner implements HandlerRunner {
  readonly #live: HandlerRunner;
  readonly #others: HandlerRunner;
  #comparing = new Map<string, Comparing>();

  constructor(live: HandlerRunner, others: HandlerRunner) {
    this.#live = live;
    this.#others = others;
  }

  /** These shadows run from now on, and no others. Those that do not start are named by `status`. */
  async useShadows(shadows: readonly Shadow[]): Promise<void> {
    this.#comparing = new Map(shadows.map((shadow) => [
      shadow.live.name,
      this.#same(shadow) ?? {
        shadow,
        last: [],
        calls: 0,
        compared: 0,
        different: 0,
        skipped: 0,
      },
    ]));
    await this.#others.use(shadows.map(({ other }) => other));
  }

  /** The counts of one that goes on as it is. */
  #same(shadow: Shadow): Comparing | undefined {
    const before = this.#comparing.get(shadow.live.name);
    if (before?.shadow.other.snapshot.hash !== shadow.other.snapshot.hash) {
      return undefined;
    }
    return { ...before, shadow };
  }

  /** How the shadow of a plugin runs; null when it has none. */
  shadowStatus(plugin: string): RunnerStatus | null {
    return this.#others.status(plugin);
  }

  /** How the shadow of a plugin has answered; null when it has none. */
  shadowView(plugin: string): ShadowView | null {
    const its = this.#comparing.get(plugin);
    if (its === undefined) return null;
    const { other, until } = its.shadow;
    const { source, hash } = other.snapshot;
    const { compared, different, skipped, last } = its;
    return {
      path: source,
      hash,
      until: until === null ? null : isoTime(until),
      compared,
      different,
      skipped,
      last: [...last],
    };
  }

  use(plugins: readonly LoadedPlugin[]): Promise<void> {
    return this.#live.use(plugins);
  }

  call(call: HandlerCall): Promise<HandlerResult> {
    const result = this.#live.call(call);
    const its = this.#comparing.get(call.registration.plugin);
    if (its !== undefined && !call.isReplay) {
      void this.#compare(its, call, outcomeOf(result));
    }
    return result;
  }

  status(plugin: string): RunnerStatus | null {
    return this.#live.status(plugin);
  }

  async #compare(
    its: Comparing,
    call: HandlerCall,
    live: Promise<HandlerOutcome>,
  ): Promise<void> {
    const registration = counterpart(its.shadow, call.registration);
    if (registration === null) return;
    if (its.calls >= MAX_CALLS) {
      its.skipped++;
      return;
    }
    its.calls++;
    const other = outcomeOf(
      this.#others.call({ ...call, registration, isReplay: true }),
    );
    const [then, now] = await Promise.all([live, other]);
    its.calls--;
    its.compared++;
    if (isSameOutcome(call.args, then, now)) return;
    its.different++;
    its.last.push(differenceText(call, then, now));
    if (its.last.length > KEPT) its.last.shift();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#others[Symbol.asyncDispose]();
    await this.#live[Symbol.asyncDispose]();
  }
}

/** The registration of the shadow that stands where this one does. */
function counterpart(
  { live, other }: Shadow,
  registration: Registration,
): Registration | null {
  const index = live.registrations.findIndex(({ id }) =>
    id === registration.id
  );
  return other.registrations[index] ?? null;
}

function differenceText(
  { event, args, decision }: HandlerCall,
  live: HandlerOutcome,
  other: HandlerOutcome,
): string {
  // Of what carries secrets nothing is told.
  if (isEventName(event) && !EVENTS[event].recorded) {
    return `${event}: answers otherwise`;
  }
  return `${event} (${decision}): ${outcomeText(args, live)}; it: ${
    outcomeText(args, other)
  }`;
}
