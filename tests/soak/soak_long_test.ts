/**
 * The long soak, whose last run is written down in `docs/soak.md`.
 *
 * @module
 */
import { whyNoQemu } from "../support/qemu_node.ts";
import { page, summary } from "./report.ts";
import { soak } from "./soak.ts";

const PAGE = new URL("../../docs/soak.md", import.meta.url);

Deno.test({
  name: "a soak of half an hour: nothing lost, stuck, doubled or grown",
  ignore: whyNoQemu() !== undefined,
  async fn() {
    const now = new Date().toISOString();
    const seed = Deno.env.get("USHER_SOAK_SEED") ?? now;
    const minutes = Number(Deno.env.get("USHER_SOAK_MINUTES") ?? 30);
    console.log(`USHER_SOAK_SEED=${seed}`);
    const soaked = await soak({ seed, minutes, simVms: 200, qemuVms: 10 });
    console.log(summary(soaked));
    const machine = `${navigator.hardwareConcurrency} cores, ${
      Math.round(Deno.systemMemoryInfo().total / 2 ** 30)
    } GiB, Deno ${Deno.version.deno}`;
    await Deno.writeTextFile(PAGE, page(soaked, now.slice(0, 10), machine));
  },
});
