/**
 * What a person does with a guest that has firmware (HVM) on a host of the Xen
 * lab: it boots from the sector that `scripts/xen_lab/hvm_sector.S` is, with
 * Debian's `qemu-system-xen` as its devices.
 *
 * @module
 */
import { match, strictEqual } from "node:assert/strict";
import { flagsOf, type LifeStep, stateOf } from "./xen_life.ts";

const NAME = "firm";
const DOMAIN = "firm.default.admin";

/** A life of one. */
export const HVM: readonly LifeStep[] = [
  {
    name: "hvm: a guest starts from its disk, and speaks on its serial line",
    async run(site) {
      await site.usher(
        ...["vm", "start", NAME, "--driver", "xen", "--on", "xen1"],
        ...["--xen", "type=hvm", "--memory", "32MiB"],
        ...["--disk", "path=/srv/guest/hvm.raw,format=raw"],
      );

      match(await flagsOf(site, DOMAIN), /^[r-][b-]----$/);
      match(
        await site.host.must("cat /var/log/xen/xl-firm*.log; xl list -l"),
        /"type": "hvm"/,
      );
      // Its devices look for a reader of the line each second, as they know it.
      await site.type(NAME, "typed-through-firmware", "10s");
    },
  },
  {
    name: "hvm: a shutdown presses its power button, and it obeys",
    async run(site) {
      await site.usher("vm", "shutdown", NAME, "--grace", "3m");

      strictEqual(await flagsOf(site, DOMAIN), "none");
      strictEqual(await stateOf(site, NAME), "stopped");
    },
  },
  {
    name: "hvm: pause, resume and poweroff, and nothing is left of its devices",
    async run(site) {
      await site.usher("vm", "start", NAME);
      await site.usher("vm", "pause", NAME);
      match(await flagsOf(site, DOMAIN), /p/);
      await site.usher("vm", "resume", NAME);
      await site.usher("vm", "poweroff", NAME);

      strictEqual(await flagsOf(site, DOMAIN), "none");
      await site.usher("vm", "destroy", NAME);
      // That of dom0 itself, which serves disks, has no domain's name.
      await site.host.prints(
        /^0$/m,
        "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' " +
          "| grep -c -- '-name fir[m].default'",
      );
    },
  },
];
