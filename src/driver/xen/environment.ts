/**
 * What every part of one xen driver shares.
 *
 * @module
 */
import type { XenConfig } from "../../schema/config.ts";
import type { DomainReport, DriverContext } from "../driver.ts";
import type { Layout } from "./layout.ts";
import type { Looks } from "./looks.ts";
import type { XenStore } from "./store.ts";
import type { Xl } from "./xl.ts";

/** What every part of the driver is given. */
export interface XenEnvironment {
  /** The node's name, for messages. */
  readonly node: string;
  readonly config: XenConfig;
  readonly layout: Layout;
  readonly bootId: string;
  readonly log: DriverContext["log"];
  readonly xl: Xl;
  readonly store: XenStore;
  readonly looks: Looks;
  /** The environment of what is started by xl's name. */
  readonly programs: Readonly<Record<string, string>>;
  /** Aborts when this LNM lets go of its domains; they run on. */
  readonly closing: AbortSignal;
  /** Hands a domain's newest report to whoever watches. */
  publish(report: DomainReport): void;
}
