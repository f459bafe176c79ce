/**
 * The driver suite over a real libvirtd.
 *
 * @module
 */
import { whyNoLibvirt } from "../support/libvirt_machine.ts";
import { LibvirtNode, sharedMachine } from "../support/libvirt_node.ts";
import { whyNoQemu } from "../support/qemu_node.ts";
import { driverConformance } from "./driver.ts";

driverConformance(
  "libvirt:",
  async () => LibvirtNode.open(await sharedMachine()),
  {
    skip: whyNoLibvirt() ?? whyNoQemu(),
  },
);
