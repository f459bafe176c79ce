/**
 * The driver suite over real QEMU processes.
 *
 * @module
 */
import { QemuNode, whyNoQemu } from "../support/qemu_node.ts";
import { driverConformance } from "./driver.ts";

// The suite calls every peer so, and a certificate is for one name.
const open = () => QemuNode.open({ name: "peer" });

driverConformance("qemu:", open, {
  skip: whyNoQemu(),
  cannot: {
    adoption: "what others started has monitors and files of theirs alone",
  },
});
