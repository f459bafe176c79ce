/**
 * What it costs that the chain lets nodes in: every node of a large site comes
 * back at once, and is asked about in the process of the `users` plugin, beside
 * the bare look at its secret.
 *
 * @module
 */
import { openEngine } from "../../src/ctrl/engine.ts";
import { siteValue } from "../../src/ctrl/events/site_value.ts";
import { HostedPlugins } from "../../src/ctrl/plugins/hosted.ts";
import { pluginProcesses } from "../../src/ctrl/plugins/hosting.ts";
import { CtrlConfig } from "../../src/schema/config.ts";
import { openMemoryStore } from "../../src/store/memory_store.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { newId, newSecret } from "../../src/sys/id.ts";
import { silentLog } from "../../src/sys/log.ts";
import { beside, median, type Row, time } from "./row.ts";

const NODES = 1000;
const ROUNDS = 7;

/** Measures how nodes are let in; takes about ten seconds on a quiet machine. */
export async function benchAdmission(): Promise<Row[]> {
  const stateDir = await Deno.makeTempDir({ prefix: "usher-bench-" });
  try {
    return await measure(stateDir);
  } finally {
    await Deno.remove(stateDir, { recursive: true });
  }
}

async function measure(stateDir: string): Promise<Row[]> {
  const config = CtrlConfig.parse({ state_dir: stateDir });
  const context = { clock: systemClock, newId, log: silentLog };
  const at = new Date().toISOString();
  const known = siteValue({ config, version: "bench", epoch: 1, at });
  const readConfig = () => Promise.resolve({ config, locate: () => null });
  await using store = await openMemoryStore();
  await using hosted = new HostedPlugins(
    pluginProcesses({ stateDir, readConfig, log: silentLog }),
    { context, site: () => known },
  );
  const { events, asks } = hosted;
  const parts = { config, context, store, newSecret, version: "bench" };
  const engine = await openEngine({ ...parts, events, asks });
  await hosted.load({ ...engine, store });
  const { nodes, session: { admission } } = engine;
  const shown = await Promise.all(
    Array.from({ length: NODES }, async (_, i) => {
      const name = `n${i}`;
      const { secret: token } = await nodes.newToken(name, 600_000);
      const joined = { name, secret: token, version: "0" };
      const { secret } = await nodes.enrol(joined);
      return { user: name, password: secret, address: "192.0.2.1" };
    }),
  );
  const [through, bare, single]: [number[], number[], number[]] = [[], [], []];
  const first = shown[0]!;
  for (let round = 0; round < ROUNDS; round++) {
    through.push(
      await time(() => Promise.all(shown.map((one) => admission.node(one)))),
    );
    bare.push(
      await time(() => {
        for (const { user, password } of shown) {
          nodes.isSecretOf(user, password);
        }
        return Promise.resolve();
      }),
    );
    single.push(await time(() => admission.node(first)));
    // Until as many may come at once again.
    await systemClock.sleep(1000);
  }
  return [
    beside(
      {
        name: `${NODES} nodes let in at once by the chain`,
        value: median(through),
        unit: "ms",
        note:
          `spread over half a second; target: below 1000; median of ${ROUNDS}`,
      },
      "looking at their secrets",
      median(bare),
    ),
    { name: "one node let in", value: median(single), unit: "ms" },
  ];
}
