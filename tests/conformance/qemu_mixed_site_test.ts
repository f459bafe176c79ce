/**
 * One site of two hypervisors that both run guests: a batch that is for both,
 * and moves that neither lets happen.
 *
 * @module
 */
import { deepStrictEqual, match } from "node:assert/strict";
import { GUEST, whyNoQemu } from "../support/qemu_node.ts";
import { TestSite } from "../support/site.ts";

Deno.test({
  name:
    "qemu: a batch for two drivers runs at both, and no guest moves to the other",
  ignore: whyNoQemu() !== undefined,
  async fn() {
    // Short, since the paths of guests' sockets are.
    const stateDir = await Deno.makeTempDir({ prefix: "uqx" });
    try {
      await using site = await TestSite.start({
        nodes: 2,
        stateDir,
        lnm: (node) => ({
          drivers: {
            sim: { enabled: node === "n1" },
            qemu: { enabled: node === "n2", accel: "tcg" },
          },
        }),
      });
      const path = `${stateDir}/disk.raw`;
      await Deno.copyFile(`${GUEST}/boot.raw`, path);
      const disks = [{ path, format: "raw" }];
      await site.run("register", "web", { spec: { driver: "sim" } });
      await site.run("register", "db", {
        spec: { driver: "qemu", memoryMiB: 32, disks },
      });

      const started = await site.run("start", ["web", "db"]);

      deepStrictEqual(
        started.outcomes.map(({ node, vmState }) => [node, vmState]),
        [["n1", "running"], ["n2", "running"]],
      );
      const moved = await site.run("migrate", ["web", "db"]);
      const reasons = moved.outcomes.map(({ problem }) =>
        Object.values(problem?.refusals ?? {})[0] ?? ""
      );
      match(reasons[0] ?? "", /^it has qemu and not sim, and a VM moves/);
      match(reasons[1] ?? "", /^it has sim and not qemu, and a VM moves/);
      const ended = await site.run("destroy", ["web", "db"]);
      deepStrictEqual(ended.outcomes.map(({ state }) => state), [
        "succeeded",
        "succeeded",
      ]);
    } finally {
      await Deno.remove(stateDir, { recursive: true });
    }
  },
});
