/**
 * Configuration of each driver on one node, as lnm.yaml holds it under
 * `drivers`.
 *
 * What two drivers share has one name and one sentence here, so that a site
 * with both reads it once.
 *
 * @module
 */
import { z } from "zod";
import { DurationMs, SizeMiB } from "./quantity.ts";
import { SETTINGS } from "./setting.ts";

const BRIDGES = z.array(z.string()).default([]).register(SETTINGS, {
  about: "Bridges that VMs may join; web* means all that begin so.",
});

const TAPS = z.array(z.string()).default([]).register(SETTINGS, {
  about: "Taps that VMs may use; web* means all that begin so.",
});

const CONSOLE_LOG = SizeMiB.prefault("1MiB").register(SETTINGS, {
  about:
    "How much of each serial console is kept; the older half is dropped beyond it.",
});

const ADOPT = z.array(z.string().min(1).max(200)).default([]).register(
  SETTINGS,
  {
    about:
      "Domains that usher did not make, by the names that the hypervisor has for them, and that it shall manage from now on; web* means all that begin so. The others are left alone.",
  },
);

/** Configuration of the qemu driver on one node. */
export const QemuConfig = z.strictObject({
  enabled: z.boolean().default(true).register(SETTINGS, {
    about: "Whether this node runs VMs with QEMU.",
  }),
  binary: z.string().default("qemu-system-x86_64").register(SETTINGS, {
    about: "QEMU itself; searched in PATH.",
    type: "program",
  }),
  accel: z.enum(["auto", "kvm", "tcg"]).default("auto").register(SETTINGS, {
    about:
      "tcg is emulation; auto is kvm where a short trial proves that it works.",
  }),
  machine: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/).default("pc")
    .register(SETTINGS, { about: "Machine type of VMs that name none." }),
  bridges: BRIDGES,
  taps: TAPS,
  console_log: CONSOLE_LOG,
  start_timeout: DurationMs.prefault("30s").register(SETTINGS, {
    about:
      "How long QEMU may take to answer after it was started; then it is ended, and the start has failed.",
  }),
});
/** Configuration of the qemu driver on one node. */
export type QemuConfig = z.infer<typeof QemuConfig>;

/** The simulator checks its own knobs, beside `enabled`; see docs/drivers.md. */
export const SimConfig = z.looseObject({
  enabled: z.boolean().default(false).register(SETTINGS, {
    about: "Whether this node runs simulated VMs.",
  }),
  adopt: ADOPT,
});
export type SimConfig = z.infer<typeof SimConfig>;

/** Configuration of the libvirt driver on one node. */
export const LibvirtConfig = z.strictObject({
  enabled: z.boolean().default(false).register(SETTINGS, {
    about: "Whether this node runs VMs with libvirt.",
  }),
  virsh: z.string().default("virsh").register(SETTINGS, {
    about: "libvirt's client; searched in PATH.",
    type: "program",
  }),
  uri: z.string().max(1000).regex(
    /^[a-z][a-z0-9+.-]*:\/\/[\x21-\x7e]*$/,
    "must be a libvirt URI such as qemu:///system",
  ).default("qemu:///system").register(SETTINGS, {
    about: "The daemon to talk to, as virsh --connect takes it.",
    type: "URI",
  }),
  accel: z.enum(["auto", "kvm", "tcg"]).default("auto").register(SETTINGS, {
    about: "tcg is emulation; auto is kvm where the daemon offers it.",
  }),
  machine: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/).default("pc")
    .register(SETTINGS, { about: "Machine type of VMs that name none." }),
  bridges: BRIDGES,
  taps: TAPS,
  adopt: ADOPT,
  verb_timeout: DurationMs.prefault("30s").register(SETTINGS, {
    about:
      "How long virsh may take for anything but a move; for a question a third of it.",
  }),
});
/** Configuration of the libvirt driver on one node. */
export type LibvirtConfig = z.infer<typeof LibvirtConfig>;

/** Configuration of the xen driver on one node. */
export const XenConfig = z.strictObject({
  enabled: z.boolean().default(false).register(SETTINGS, {
    about: "Whether this node runs VMs with Xen.",
  }),
  xl: z.string().default("xl").register(SETTINGS, {
    about:
      "Xen's toolstack; searched in PATH. The xenstore's tools lie beside it.",
    type: "program",
  }),
  bridges: BRIDGES,
  console_log: CONSOLE_LOG,
  start_timeout: DurationMs.prefault("60s").register(SETTINGS, {
    about:
      "How long xl create may take, hotplug scripts of disks and cards included; then the domain is undone, and the start has failed.",
  }),
  verb_timeout: DurationMs.prefault("30s").register(SETTINGS, {
    about: "How long xl may take for anything but a start and a move.",
  }),
});
/** Configuration of the xen driver on one node. */
export type XenConfig = z.infer<typeof XenConfig>;
