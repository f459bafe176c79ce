/**
 * Real guests of the compiled executable: they are started, looked at, typed
 * to and shut down by the command line, and outlive controller and node.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { compiledUsher } from "../support/compiled.ts";
import { RolesSite } from "../support/roles_site.ts";
import { GUEST, whyNoQemu } from "../support/qemu_node.ts";

// Two seconds on a quiet machine; a tenth of a processor for all takes minutes.
const BOOT_MS = 600_000;
const BOOT = [
  ...["--memory", "128MiB", "--kernel", `${GUEST}/vmlinuz`],
  ...["--initrd", `${GUEST}/initrd`],
  // The kernel's check of its timer fails where QEMU hardly runs.
  ...["--cmdline", "console=ttyS0 no_timer_check quiet"],
];

/** The QEMU processes of this site's guests, by their run directory. */
async function guests(site: RolesSite): Promise<number[]> {
  const pids: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const line = await Deno.readTextFile(`/proc/${name}/cmdline`)
      .catch(() => "");
    const isQemu = line.startsWith("qemu-system-x86_64\0") ||
      line.split("\0")[0]?.endsWith("/qemu-system-x86_64") === true;
    if (isQemu && line.includes(`${site.dir}/run`)) pids.push(Number(name));
  }
  return pids.toSorted();
}

/** What the guest has printed on its console so far. */
async function printed(site: RolesSite, name: string): Promise<string> {
  const { out } = await site.run(
    ["vm", "console", name, "--linger", "100ms"],
  );
  return out;
}

/** Follows the console of `name`, by one command, until the guest has printed `text`. */
async function untilPrinted(
  site: RolesSite,
  name: string,
  text: string,
): Promise<void> {
  await using console = site.start("vm", "console", name, "--no-input");
  await console.says(new RegExp(text), BOOT_MS);
}

/**
 * State, node and run of each VM of this test, as the command line tells them.
 * Guests of others that this machine runs are found, too.
 */
async function seen(site: RolesSite): Promise<string[]> {
  const vms = JSON.parse(
    await site.usher("vm", "list", "web*", "-o", "json"),
  );
  return vms.map((
    { name, node, status }: {
      name: string;
      node: string;
      status: { state: string; incarnation: string };
    },
  ) => `${name} ${status.state} ${node} ${status.incarnation}`).toSorted();
}

Deno.test({
  name:
    "real guests of the compiled executable live on when controller and node are killed, and obey afterwards",
  ignore: whyNoQemu() !== undefined,
  async fn() {
    await using site = await RolesSite.start(await compiledUsher(), "qemu");
    try {
      await site.usher("vm", "start", "-n", "2", "web", ...BOOT);
      await untilPrinted(site, "web-1", "guest# ");
      const before = await seen(site);
      const pids = await guests(site);
      strictEqual(pids.length, 2);
      match(
        before.join("\n"),
        /^web-1\.default\.admin running n1 .+\nweb-2\.default\.admin running n1 /,
      );

      // As the power of both programs, and of nothing else, would end.
      await site.lnm.kill();
      await site.ctrl.kill();
      deepStrictEqual(await guests(site), pids);
      await site.startCtrl();
      await site.startLnm();

      deepStrictEqual(await guests(site), pids, "no guest was touched");
      deepStrictEqual(await seen(site), before, "each is the run it was");
      match(await printed(site, "web-1"), /usher-guest ready/);
      const { out } = await site.run(
        ["vm", "console", "web-1", "--history", "0", "--linger", "5s"],
        "echo $((6 * 7))-answers\r",
      );
      match(out, /42-answers/);

      await site.usher("vm", "shutdown", "web-1", "--grace", "9m");
      strictEqual((await guests(site)).length, 1);
      match(
        await site.usher("vm", "show", "web-1"),
        /stopped[^]*guest shut down/,
      );
    } finally {
      await site.usher("vm", "destroy", "web*");
    }
    deepStrictEqual(await guests(site), []);
    strictEqual(await site.usher("vm", "list", "web*", "-o", "name"), "");
    strictEqual(await site.lnm.end(), 0);
    strictEqual(await site.ctrl.end(), 0);
  },
});
