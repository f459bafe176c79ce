/**
 * The short soak; `soak_long_test.ts` has the long one.
 *
 * @module
 */
import { soak } from "./soak.ts";
import { summary } from "./report.ts";
import { whyNoQemu } from "../support/qemu_node.ts";

Deno.test({
  name: "a soak of two minutes: nothing lost, stuck, doubled or grown",
  ignore: whyNoQemu() !== undefined,
  async fn() {
    const seed = Deno.env.get("USHER_SOAK_SEED") ?? `${Date.now()}`;
    console.log(`USHER_SOAK_SEED=${seed}`);
    const options = { seed, minutes: 2, simVms: 200, qemuVms: 10 };
    console.log(summary(await soak(options)));
  },
});
