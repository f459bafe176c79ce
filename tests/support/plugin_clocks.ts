/**
 * The clocks of plugins on a bench: on a store, with what they tell noted.
 *
 * @module
 */
import type { Firing } from "../../src/plugin/events.ts";
import type { Registration } from "../../src/plugin/runner.ts";
import type { Store } from "../../src/store/store.ts";
import { Agenda } from "../../src/ctrl/clocks/agenda.ts";
import { PluginClocks } from "../../src/ctrl/clocks/plugin_clocks.ts";
import { isoTime } from "../../src/sys/clock.ts";
import { silentLog } from "../../src/sys/log.ts";
import { FakeClock } from "./fake_clock.ts";

/** A clock whose time of day can be put forward and back. */
export class JumpingClock extends FakeClock {
  #put = 0;

  override now(): number {
    return super.now() + this.#put;
  }

  put(ms: number): void {
    this.#put += ms;
  }
}

/** One controller's clocks, on a store that may be an earlier one's. */
export async function openClocks(
  clock: JumpingClock,
  store: Store,
): Promise<
  {
    clocks: PluginClocks;
    told: (Firing & { event: string; at: string })[];
    /** Chains end only once this is resolved. */
    end: { wait: Promise<void> };
    /** Registrations whose time came while their chain still ran. */
    passedOver: number[];
  } & AsyncDisposable
> {
  const told: (Firing & { event: string; at: string })[] = [];
  const end = { wait: Promise.resolve() };
  const passedOver: number[] = [];
  const agenda = new Agenda(clock);
  const clocks = await PluginClocks.load({
    context: { clock, newId: () => "", log: silentLog },
    store,
    agenda,
    events: {
      tell: async (event, _, firing) => {
        told.push({ event, at: isoTime(clock.now()), ...firing });
        await end.wait;
        return [];
      },
      passedOver: ({ id }) => void passedOver.push(id),
    },
  });
  return {
    clocks,
    told,
    end,
    passedOver,
    [Symbol.asyncDispose]: () => {
      agenda[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}

/** A registration with a clock. */
export function registration(
  id: number,
  rule: { period?: number | string; when?: string },
  plugin = "p",
): Registration {
  const event = rule.when === undefined ? "periodic" : "timer";
  return {
    id,
    plugin,
    event,
    order: null,
    options: {},
    deadlineMs: null,
    ...rule,
  };
}

/** These are registered from now on, as a reload does it; those plugins begin anew. */
export async function use(
  clocks: PluginClocks,
  registrations: readonly Registration[],
  anew: ReadonlySet<string> = new Set(),
): Promise<void> {
  await clocks.prepare(registrations);
  clocks.use(registrations, anew);
}
