/**
 * What plugins may know of the controller and its configuration.
 *
 * @module
 */
import type { CtrlConfig } from "../../schema/config.ts";
import type { SiteValue } from "../../schema/event_value.ts";

/** The site, as plugins see it; `at` is when its controller started. */
export function siteValue({ config, version, epoch, at }: {
  readonly config: CtrlConfig;
  readonly version: string;
  readonly epoch: number;
  readonly at: string;
}): SiteValue {
  return { version, epoch, nameSuffix: config.name_suffix, startedAt: at };
}
