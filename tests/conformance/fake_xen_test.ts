/**
 * The driver suite over the xen driver on a Xen host of files: its own part of
 * the promises, on any machine. On real Xen the suite runs in the lab.
 *
 * @module
 */
import { FakeXenNode } from "../support/xen_node.ts";
import { driverConformance } from "./driver.ts";

driverConformance("xen on files", () => FakeXenNode.open(), {
  cannot: {
    pausedMigration: "a Xen guest must run to be moved",
    freeze: "Xen has no process for a domain",
    console: "a host of files has no terminals",
    adoption: "the xen driver leaves to others what is theirs",
  },
});
