/**
 * The life of plugins over a runner whose handlers are functions: what a test
 * fills is where sets come from.
 *
 * @module
 */
import { LogRing } from "../../src/ctrl/plugins/log_ring.ts";
import { PluginLife } from "../../src/ctrl/plugins/life.ts";
import type { PluginSource } from "../../src/ctrl/plugins/set.ts";
import { ShadowRunner } from "../../src/ctrl/plugins/shadow_runner.ts";
import { ChangeUnderWay } from "../../src/ctrl/plugins/under_way.ts";
import { Shadows } from "../../src/ctrl/plugins/shadows.ts";
import { Chains } from "../../src/plugin/chain/chains.ts";
import type { LoadedPlugin, RunnerStatus } from "../../src/plugin/runner.ts";
import { FailingStore } from "../../src/store/failing_store.ts";
import { openMemoryStore } from "../../src/store/memory_store.ts";
import type { Clock } from "../../src/sys/clock.ts";
import { newId } from "../../src/sys/id.ts";
import { silentLog } from "../../src/sys/log.ts";
import { FakeRunner } from "./fake_runner.ts";

const RUNNING: RunnerStatus = {
  state: "running",
  reason: "",
  pid: 7,
  memoryMiB: 30,
  heldByKernel: [],
  restarts: 0,
};

/** One whose plugins start unless they are named. */
export class StartingRunner extends FakeRunner {
  readonly broken = new Set<string>();
  override status(name = ""): RunnerStatus {
    return this.broken.has(name)
      ? { ...RUNNING, state: "failed", reason: "it hangs" }
      : RUNNING;
  }
}

/** What a life is opened on. */
export interface LifeOptions<C extends Clock> {
  readonly source: PluginSource;
  readonly clock: C;
  /** One that an earlier life has used. */
  readonly store?: FailingStore | undefined;
}

/** Opens a life. `open` opens another one on the same store. */
export async function openLife<C extends Clock>(
  { source, clock, store }: LifeOptions<C>,
) {
  const its = store ?? new FailingStore(await openMemoryStore());
  const runner = new StartingRunner();
  const chains = new Chains({ runner, clock, log: silentLog });
  const served: string[][] = [];
  const up: string[] = [];
  const reading = {
    clock,
    heard: () => {},
    isKnownTimer: () => false,
    needed: () => new Set<string>(),
  };
  const underWay = new ChangeUnderWay(clock);
  const shadows = new Shadows({
    source,
    reading,
    runner: new ShadowRunner(runner, new FakeRunner()),
    timeIsUp: (plugin) => void up.push(plugin),
  });
  const parts = {
    context: { clock, newId, log: silentLog },
    store: its,
    chains,
    runner,
    source,
    reading,
    underWay,
    shadows,
    services: {
      prepare: () => Promise.resolve(),
      use: (plugins: readonly LoadedPlugin[]) => {
        served.push(plugins.map(({ name }) => name));
      },
      forget: () => Promise.resolve({ values: 0, scheduled: 0 }),
    },
    logs: new LogRing(1),
    recorded: async function* () {},
  };
  const open = () => PluginLife.open(parts);
  return {
    life: await open(),
    open,
    runner,
    chains,
    served,
    store: its,
    clock,
    shadows,
    up,
  };
}
