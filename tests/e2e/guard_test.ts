/**
 * The guard of the compiled executable: it starts itself anew for it, and what
 * the guard pauses goes on when the LNM is back.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { guardFiles } from "../../src/driver/guard/protocol.ts";
import { readArguments } from "../../src/sys/process_table.ts";
import { compiledUsher } from "../support/compiled.ts";
import { qemuNode } from "../support/node_plan.ts";
import { ProcessSite } from "../support/process_site.ts";
import { GUEST, whyNoQemu } from "../support/qemu_node.ts";
import { until } from "../support/wait.ts";

const PATIENCE = { deadlineMs: 120_000 };

Deno.test({
  name:
    "the compiled executable guards its guests while the LNM does not, and lets them go on",
  ignore: whyNoQemu() !== undefined,
  async fn() {
    const usher = await compiledUsher();
    await using site = await ProcessSite.start({
      usher,
      ctrl: { node_lease: "2s", takeover_margin: "3s" },
      nodes: [qemuNode("n1")],
    });
    const path = `${site.dir}/web.raw`;
    await Deno.copyFile(`${GUEST}/boot.raw`, path);
    await site.run({
      verb: "start",
      names: ["web"],
      spec: {
        memoryMiB: 32,
        onNodeLoss: "restart",
        disks: [{ path, format: "raw", shared: true }],
      },
    });
    const { incarnation } = (await site.vm("web")).status;
    await until(
      "its guard has it in hand",
      async () =>
        (await site.vm("web")).status.guard?.incarnation === incarnation,
      PATIENCE,
    );
    const runDir = `${site.dir}/r/n1/qemu`;
    const { pid } = JSON.parse(Deno.readTextFileSync(guardFiles(runDir).pid));
    const [program = "", ...args] = readArguments(pid);
    match(program, /\/usher$/);
    deepStrictEqual(args, ["guard", "qemu", runDir]);

    site.node("n1").signal("SIGSTOP");
    await until(
      "the guard holds it",
      () => Deno.readTextFileSync(guardFiles(runDir).held).includes("qmp"),
      PATIENCE,
    );
    site.node("n1").signal("SIGCONT");

    await until("it goes on", async () => {
      const { status } = await site.vm("web");
      const held = Deno.readTextFileSync(guardFiles(runDir).held);
      return status.state === "running" && held === "[]";
    }, PATIENCE);
    strictEqual((await site.vm("web")).status.incarnation, incarnation);
  },
});
