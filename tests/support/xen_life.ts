/**
 * What a person does with VMs on a host of the Xen lab, by the command line of
 * the compiled executable, and what befalls them there; each looks at Xen
 * itself for what came of it.
 *
 * Steps of one life, in this order: a host takes most of a minute to boot.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { BOOT_GUEST, XEN_MS, type XenHost } from "./xen_host.ts";
import type { XenSite } from "./xen_site.ts";
import { until } from "./wait.ts";

/** The flags of a start of the least guest, on the first host. */
export function bootFlags(cmdline = "idle", memory = "16MiB"): string[] {
  return [
    ...["--driver", "xen", "--on", "xen1", "--memory", memory],
    ...["--kernel", BOOT_GUEST, "--cmdline", cmdline],
  ];
}

/** A step of the life of VMs on a host. */
export interface LifeStep {
  readonly name: string;
  run(site: XenSite): Promise<void>;
}

/** The domain of the VM that lives through all steps. */
export const WEB = "web.default.admin";
const PATIENCE = { deadlineMs: XEN_MS, everyMs: 200 };

/** What Xen shows of a domain on the first host. */
export async function flagsOf(site: XenSite, name: string): Promise<string> {
  return (await site.domains(site.host)).get(name)?.flags ?? "none";
}

/** Its number, which is another after a reboot. */
export async function domidOf(site: XenSite, name: string): Promise<number> {
  const domain = (await site.domains(site.host)).get(name);
  if (domain === undefined) throw new Error(`Xen has no domain "${name}"`);
  return domain.domid;
}

/** What the controller says of a VM. */
export async function stateOf(site: XenSite, name: string): Promise<string> {
  return (await site.ctrl.vm(name)).status.state;
}

/** Makes a domain by hand. */
async function plant(host: XenHost, name: string): Promise<void> {
  await host.must(`cat >/root/${name}.cfg <<'END'
name = "${name}"
type = "pvh"
kernel = "${BOOT_GUEST}"
memory = 16
vcpus = 1
END
xl create -q /root/${name}.cfg`);
}

/** Types a key at the console of a domain, past usher; 004 switches its guest off, 003 crashes it. */
export async function typeKey(
  host: XenHost,
  name: string,
  octal: "003" | "004" | "022",
): Promise<void> {
  await host.must(
    `tty=$(xenstore-read "/local/domain/$(xl domid '${name}')/console/tty")\n` +
      `printf '\\${octal}' >"$tty"`,
  );
}

/** By the command line, from a start to a shutdown. */
export const VERBS: readonly LifeStep[] = [
  {
    name: "the node offers what Xen has for guests, not what dom0 sees",
    async run(site) {
      const node: { capacity: { memoryMiB: number } } = JSON.parse(
        await site.usher("node", "show", site.host.name, "-o", "json"),
      );

      const free = Number(await site.host.must("xl info free_memory"));
      strictEqual(node.capacity.memoryMiB, free);
    },
  },
  {
    name: "start: Xen runs it, and it is listed",
    async run(site) {
      await site.usher("vm", "start", "web", ...bootFlags());

      match(await flagsOf(site, WEB), /^[r-][b-]----$/);
      match(await site.usher("vm", "list"), /^web\S* +running +xen1 /m);
    },
  },
  {
    name: "console: what was printed comes, and what is typed comes back",
    async run(site) {
      await site.untilPrinted("web", "usher-boot-guest speaks");
      await site.type("web", "typed-from-afar");
    },
  },
  {
    name: "pause, twice, and resume",
    async run(site) {
      await site.usher("vm", "pause", "web");
      match(await flagsOf(site, WEB), /p/);
      await site.usher("vm", "pause", "web");
      await site.usher("vm", "resume", "web");
      match(
        await flagsOf(site, WEB),
        /^[r-][b-]----$/,
        "paused once too often",
      );
    },
  },
  {
    name: "reboot and cycle: another domain, and the same VM",
    async run(site) {
      for (const verb of ["reboot", "cycle"]) {
        const before = await domidOf(site, WEB);
        await site.usher("vm", verb, "web");
        await until(
          `${verb} gave another domain`,
          async () => await domidOf(site, WEB) !== before,
          PATIENCE,
        );
        strictEqual(await stateOf(site, "web"), "running");
      }
    },
  },
  {
    name: "shutdown: the guest obeys, and is started again",
    async run(site) {
      await site.usher("vm", "shutdown", "web", "--grace", "2m");
      strictEqual(await flagsOf(site, WEB), "none");
      strictEqual(await stateOf(site, "web"), "stopped");
      await site.usher("vm", "start", "web");
      strictEqual(await stateOf(site, "web"), "running");
    },
  },
  {
    name: "a guest that ignores a shutdown runs on, and falls to a poweroff",
    async run(site) {
      await site.usher(
        "vm",
        "start",
        "deaf",
        ...bootFlags("deaf"),
      );
      const { code } = await site.run(
        ["vm", "shutdown", "deaf", "--grace", "3s"],
      );
      strictEqual(code === 0, false, "it obeyed");
      match(await flagsOf(site, "deaf.default.admin"), /^[r-][b-]----$/);
      await site.usher("vm", "poweroff", "deaf");
      strictEqual(await flagsOf(site, "deaf.default.admin"), "none");
      await site.usher("vm", "destroy", "deaf");
    },
  },
];

/** What happens on a host behind usher's back. */
export const LUCK: readonly LifeStep[] = [
  {
    name: "the node is killed and returns: the same domain, untouched",
    async run(site) {
      const before = await site.domains(site.host);
      const { status } = await site.ctrl.vm("web");

      await site.killLnm(site.host);
      const alone = await site.domains(site.host);
      await site.startLnm(site.host);
      await site.ctrl.untilReady(site.host.name);

      deepStrictEqual([...alone.keys()], [...before.keys()]);
      strictEqual(await domidOf(site, WEB), before.get(WEB)?.domid);
      const { status: after } = await site.untilState("web", "running");
      strictEqual(after.incarnation, status.incarnation);
      await site.type("web", "after-the-death");
    },
  },
  {
    name: "a domain that usher did not make is found, and left alone",
    async run(site) {
      await plant(site.host, "stranger");

      // Half made it was seen paused, perhaps.
      await until(
        "it is found running",
        async () =>
          (await site.ctrl.vms()).some(({ name, status }) =>
            name === "stranger.xen1.found" && status.state === "running"
          ),
        PATIENCE,
      );
      await site.usher("vm", "cycle", "web");
      match(await flagsOf(site, "stranger"), /^[r-][b-]----$/);
      await site.host.must("xl destroy stranger");
    },
  },
  {
    name: "a guest that is switched off from inside has stopped, and says so",
    async run(site) {
      await typeKey(site.host, WEB, "004");

      const { status } = await site.untilState("web", "stopped");

      match(status.reason, /guest|shut/);
      await until(
        "what is left of the domain is gone",
        async () => await flagsOf(site, WEB) === "none",
        PATIENCE,
      );
      await site.usher("vm", "start", "web");
    },
  },
  {
    name: "a guest that crashes has crashed, with evidence",
    async run(site) {
      await typeKey(site.host, WEB, "003");

      const { status } = await site.untilState("web", "crashed");

      match(status.reason, /crash/i);
      await site.usher("vm", "start", "web");
      strictEqual(await stateOf(site, "web"), "running");
    },
  },
  {
    name: "a domain that is renamed by hand is the same VM, and obeys",
    async run(site) {
      const before = await domidOf(site, WEB);
      await site.host.must(`xl rename ${WEB} other`);
      await site.usher("vm", "pause", "web");
      match(await flagsOf(site, "other"), /p/);
      await site.usher("vm", "resume", "web");
      strictEqual(await domidOf(site, "other"), before);
      await site.host.must(`xl rename other ${WEB}`);
    },
  },
  {
    name: "a domain that is destroyed by hand has ended, and starts again",
    async run(site) {
      await site.host.must(`xl destroy ${WEB}`);

      const { status } = await site.untilState("web", "stopped", "crashed");

      match(status.reason, /\S/);
      await site.usher("vm", "start", "web");
      match(await flagsOf(site, WEB), /^[r-][b-]----$/);
    },
  },
  {
    name: "what the host has no memory for is refused, and nothing of it stays",
    async run(site) {
      const { code, err } = await site.run(
        ["vm", "start", "big", ...bootFlags("idle", "900GiB")],
      );

      strictEqual(code === 0, false);
      match(err, /needs \d+ MiB more/);
      strictEqual(await flagsOf(site, "big.default.admin"), "none");
      match(await flagsOf(site, WEB), /^[r-][b-]----$/);
    },
  },
  {
    name:
      "the dom0 is turned off and on: what ran has ended, with evidence, and stays so until it is asked for",
    async run(site) {
      await site.host.cutPower();
      await site.startLnm(site.host);
      await site.ctrl.untilReady(site.host.name);

      const { status } = await site.untilState("web", "crashed", "stopped");

      match(status.reason, /boot|restart/i);
      deepStrictEqual([...(await site.domains(site.host)).keys()], []);
      await site.usher("vm", "start", "web");
      match(await flagsOf(site, WEB), /^[r-][b-]----$/);
      await site.usher("vm", "destroy", "web");
      strictEqual(await flagsOf(site, WEB), "none");
    },
  },
];
