/**
 * Every figure beside its floor, taken in one run.
 *
 *   deno task bench            all of them
 *   deno task bench store api  only the groups named
 *
 * Figures are medians; these machines are noisy, so read ratios.
 *
 * @module
 */
import type { Row } from "./bench/row.ts";

/** How often a group says that it still measures. */
const TICK_MS = 30_000;

type Rows = Iterable<Row> | AsyncIterable<Row>;

const GROUPS: Readonly<Record<string, () => Promise<Rows>>> = {
  store: async () => await (await import("./bench/store.ts")).benchStore(),
  audit: async () => await (await import("./bench/audit.ts")).benchAudit(),
  telling: async () =>
    await (await import("./bench/telling.ts")).benchTelling(),
  admission: async () =>
    await (await import("./bench/admission.ts")).benchAdmission(),
  login: async () => await (await import("./bench/login.ts")).benchLogin(),
  api: async () => await (await import("./bench/api.ts")).benchApi(),
  cold: async () => await (await import("./bench/cold.ts")).benchCold(),
  lists: async () => (await import("./bench/lists.ts")).benchLists(),
  simulator: async () =>
    await (await import("./bench/simulator.ts")).benchSimulator(),
  memory: async () => await (await import("./bench/memory.ts")).benchMemory(),
  restart: async () =>
    await (await import("./bench/restart.ts")).benchRestart(),
  asks: async () => await (await import("./bench/asks.ts")).benchAsks(),
  plugin: async () => await (await import("./bench/plugin.ts")).benchPlugin(),
  placement: async () =>
    await (await import("./bench/placement.ts")).benchPlacement(),
  migrate: async () => (await import("./bench/migrate.ts")).benchMigrate(),
  loss: async () =>
    await (await import("./bench/node_loss.ts")).benchNodeLoss(),
  qemu: async () => await (await import("./bench/start.ts")).benchStart(),
  drivers: async () => (await import("./bench/drivers.ts")).benchDrivers(),
};

function show(row: Row): string {
  const value = `${format(row.value)} ${row.unit}`;
  const floor = row.floor === undefined
    ? ""
    : `   floor ${format(row.floor)} ${row.unit} (${row.floorName ?? "bare"})`;
  const ratio = row.ratio === undefined ? "" : `   ×${row.ratio.toFixed(2)}`;
  const note = row.note === undefined ? "" : `   ${row.note}`;
  return `  ${row.name.padEnd(58)} ${
    value.padStart(14)
  }${floor}${ratio}${note}`;
}

function format(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** Says now and then, beside the figures, that a group still measures. */
function startTicking(group: string): Disposable {
  const began = performance.now();
  const timer = setInterval(() => {
    const seconds = Math.round((performance.now() - began) / 1000);
    console.error(`  … ${group} ${seconds} s`);
  }, TICK_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !Object.hasOwn(GROUPS, name));
  if (unknown.length > 0) {
    console.error(
      `bench: no group "${unknown[0]}"; there are ${
        Object.keys(GROUPS).join(", ")
      }`,
    );
    return 64;
  }
  let failed = 0;
  for (const [name, run] of Object.entries(GROUPS)) {
    if (names.length > 0 && !names.includes(name)) continue;
    console.log(`${name} (load ${Deno.loadavg()[0]?.toFixed(1)})`);
    using _ticking = startTicking(name);
    try {
      for await (const row of await run()) console.log(show(row));
    } catch (error) {
      failed++;
      console.log(
        `  failed: ${error instanceof Error ? error.message : error}`,
      );
    }
  }
  return failed === 0 ? 0 : 1;
}

Deno.exit(await main(Deno.args));
