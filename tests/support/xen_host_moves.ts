/**
 * What a person does with VMs on two hosts of the Xen lab: they move, live,
 * and nobody gave the hosts keys of each other.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { BOOT_GUEST, XEN_GUEST, XEN_MS, type XenHost } from "./xen_host.ts";
import { bootFlags, type LifeStep } from "./xen_life.ts";
import type { XenSite } from "./xen_site.ts";
import { until } from "./wait.ts";

/** The hosts that have a domain of this name, each with its number of them. */
async function hostsOf(site: XenSite, name: string): Promise<string[]> {
  const lists = await Promise.all(
    site.hosts.map(async (host) => {
      const names = [...(await site.domains(host)).keys()];
      return names.filter((its) => its === name).map(() => host.name);
    }),
  );
  return lists.flat();
}

function hostNamed(site: XenSite, name: string | null): XenHost {
  const host = site.hosts.find((its) => its.name === name);
  if (host === undefined) throw new Error(`There is no host ${name}`);
  return host;
}

/** Starts a move and kills the node at one end as soon as it is under way. */
async function moveAndKill(
  site: XenSite,
  vm: string,
  end: "source" | "target",
): Promise<void> {
  const { node } = await site.ctrl.vm(vm);
  const target = site.hosts.find(({ name }) => name !== node)?.name ?? "";
  await site.usher("vm", "migrate", vm, "--to", target, "--no-wait");
  const seen = await until("it is on its way", async () => {
    const { status, holder } = await site.ctrl.vm(vm);
    return status.state === "migrating" || holder === null
      ? status.state
      : undefined;
  }, { deadlineMs: XEN_MS, everyMs: 200 });
  strictEqual(seen, "migrating", "the move has ended before it began");
  const host = hostNamed(site, end === "source" ? node : target);
  await site.killLnm(host);
  await site.startLnm(host);
  await site.ctrl.untilReady(host.name);
  await site.ctrl.untilQuiet();
  const after = await site.untilState(vm, "running");
  deepStrictEqual(
    await hostsOf(site, `${vm}.default.admin`),
    [after.node],
    "it is there twice, or not where it is said to be",
  );
  await site.type(vm, `after-the-${end}-died`);
}

/** Moves from host to host. */
export const MOVES: readonly LifeStep[] = [
  {
    name: "migrate: a PVH guest moves there and back, alive, with its memory",
    async run(site) {
      await site.usher("vm", "start", "mover", ...bootFlags());
      const { uid, status } = await site.ctrl.vm("mover");
      for (const target of ["xen2", "xen1"]) {
        await site.usher("vm", "migrate", "mover", "--to", target);
        const vm = await site.untilState("mover", "running");
        deepStrictEqual(
          [vm.uid, vm.node, vm.status.incarnation],
          [uid, target, status.incarnation],
        );
        deepStrictEqual(await hostsOf(site, "mover.default.admin"), [target]);
        await site.type("mover", `on-${target}`);
      }
    },
  },
  {
    name: "migrate: a paused guest is refused before anything moves",
    async run(site) {
      await site.usher("vm", "pause", "mover");

      const { code, err } = await site.run(
        ["vm", "migrate", "mover", "--to", "xen2"],
      );

      strictEqual(code === 0, false);
      match(err, /must run to be moved/);
      deepStrictEqual(await hostsOf(site, "mover.default.admin"), ["xen1"]);
      strictEqual((await site.ctrl.vm("mover")).status.state, "paused");
      await site.usher("vm", "resume", "mover");
      await site.type("mover", "on-again");
    },
  },
  {
    name: "migrate: whichever node is killed on the way, it runs once",
    async run(site) {
      await moveAndKill(site, "mover", "source");
      await moveAndKill(site, "mover", "target");
      await site.usher("vm", "destroy", "mover");
    },
  },
  {
    name: "migrate: a PV guest is refused before anything moves",
    async run(site) {
      const { kernel, initrd, cmdline } = XEN_GUEST;
      await site.usher(
        ...["vm", "start", "pv", "--driver", "xen", "--on", "xen1"],
        ...["--xen", "type=pv", "--memory", "96MiB"],
        ...["--kernel", kernel, "--initrd", initrd, "--cmdline", cmdline],
      );
      await site.untilPrinted("pv", "usher-guest ready");

      const { code, err } = await site.run(
        ["vm", "migrate", "pv", "--to", "xen2"],
      );

      strictEqual(code === 0, false);
      match(err, /pv/i);
      deepStrictEqual(await hostsOf(site, "pv.default.admin"), ["xen1"]);
      strictEqual((await site.ctrl.vm("pv")).status.state, "running");
      await site.usher("vm", "shutdown", "pv", "--grace", "5m");
      await site.usher("vm", "destroy", "pv");
    },
  },
  {
    name:
      "migrate: an HVM guest moves there and back with what its devices hold",
    async run(site) {
      await site.usher(
        ...["vm", "start", "firm", "--driver", "xen", "--on", "xen1"],
        ...["--xen", "type=hvm", "--memory", "32MiB"],
        ...["--disk", "path=/srv/guest/hvm.raw,format=raw,shared=true"],
      );
      const { status } = await site.ctrl.vm("firm");
      await site.type("firm", "before-it-moves", "10s");
      for (const target of ["xen2", "xen1"]) {
        await site.usher("vm", "migrate", "firm", "--to", target);
        const vm = await site.untilState("firm", "running");
        deepStrictEqual(
          [vm.node, vm.status.incarnation],
          [target, status.incarnation],
        );
        deepStrictEqual(await hostsOf(site, "firm.default.admin"), [target]);
        await site.type("firm", `on-${target}`, "10s");
      }
      await site.usher("vm", "destroy", "firm");
    },
  },
  {
    name: "migrate: a host without room is refused, and the guest runs on",
    async run(site) {
      const target = hostNamed(site, "xen2");
      const free = Number(
        /\d+/.exec(await target.must("xl info free_memory"))?.[0],
      );
      // What Xen has left there, past usher's books.
      await target.must(`cat >/root/glutton.cfg <<'END'
name = "glutton"
type = "pvh"
kernel = "${BOOT_GUEST}"
memory = ${free - 40}
vcpus = 1
END
xl create -q /root/glutton.cfg`);
      await site.usher(
        ...["vm", "start", "large", ...bootFlags("idle", "128MiB")],
      );

      const { code } = await site.run(
        ["vm", "migrate", "large", "--to", "xen2"],
      );

      strictEqual(code === 0, false);
      await site.untilState("large", "running");
      deepStrictEqual(await hostsOf(site, "large.default.admin"), ["xen1"]);
      await target.must("xl destroy glutton");
      await site.usher("vm", "destroy", "large");
    },
  },
];
