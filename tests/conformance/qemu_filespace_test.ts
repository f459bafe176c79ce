/**
 * The plugin `filespace` and real guests: a VM boots from the image that was
 * copied for it, and what was copied for a start that failed is gone.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import * as filespace from "../../plugins/filespace/plugin.ts";
import { GUEST, whyNoQemu } from "../support/qemu_node.ts";
import { QemuSite } from "../support/qemu_site.ts";
import { until } from "../support/wait.ts";

Deno.test({
  name:
    "qemu: a guest boots from the image that filespace has copied for it, which goes with the VM",
  ignore: whyNoQemu() !== undefined,
  async fn() {
    const made = await Deno.makeTempDir({ prefix: "usher_filespace_" });
    const dir = await Deno.realPath(made);
    const plugin = {
      events: ["start_request", "register", "start_failure", "unregister"],
      options: {
        roots: [dir],
        rules: [{
          copy: `${GUEST}/{args.image}.raw`,
          to: `${dir}/{user}/{cluster}/{vm}.raw`,
          format: "raw",
          attach: true,
        }],
      },
      grants: { read: [dir, GUEST], write: [dir], ctx: ["vms", "state"] },
    };
    await using qemu = await QemuSite.start({}, {
      modules: { filespace },
      ctrl: { plugins: { filespace: plugin } },
    });
    const { site } = qemu;
    const start = (name: string, image: string) =>
      site.run("start", name, { args: { image }, spec: { memoryMiB: 32 } });
    const { outcomes: [outcome] } = await start("web", "boot");
    strictEqual(outcome?.state, "succeeded", JSON.stringify(outcome));
    await qemu.untilPrinted("web", "speaks");
    const { spec, name } = await site.vm("web");
    const [, cluster, user] = name.split(".");
    const folder = `${dir}/${user}/${cluster}`;
    strictEqual(spec.disks[0]?.path, `${folder}/web.raw`);
    const images = () => [...Deno.readDirSync(folder)].map(({ name }) => name);

    await qemu.replaceQemu("exit 1");
    const { outcomes: [failed] } = await start("bad", "boot");
    strictEqual(failed?.state, "failed");
    await until("its image is gone", () => images().length === 1);
    deepStrictEqual(images(), ["web.raw"]);
    const none = await site.refusal("start", ["no"], { args: { image: "x" } });
    match(none.detail, /There is no image/);

    await site.run("destroy", "web");
    await until("the image is gone", () => images().length === 0);
    await Deno.remove(dir, { recursive: true });
  },
});
