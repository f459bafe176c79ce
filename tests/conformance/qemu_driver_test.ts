/**
 * The driver suite over real QEMU processes.
 *
 * @module
 */
import { QemuNode, whyNoQemu } from "../support/qemu_node.ts";
import { driverConformance } from "./driver.ts";

driverConformance("qemu:", () => QemuNode.open(), {
  skip: whyNoQemu(),
  cannot: { migration: "the driver cannot migrate yet" },
});
