/**
 * What a simulated domain was started with, kept as what differs from the
 * defaults: there may be a hundred thousand of them in one process.
 *
 * @module
 */
import { VmSpec } from "../../schema/vm.ts";
import type { DomainReport } from "../driver.ts";
import type { SimDomain } from "./domain_record.ts";

const DEFAULTS = new Map(
  Object.entries(VmSpec.parse({})).map(([key, value]) => [
    key,
    JSON.stringify(value),
  ]),
);

/** The part of `spec` that is kept. */
export function keptSpec(spec: VmSpec): Partial<VmSpec> {
  return Object.fromEntries(
    Object.entries(spec).filter(([key, value]) =>
      JSON.stringify(value) !== DEFAULTS.get(key)
    ),
  );
}

/** `report` with what the domain was started with, as long as its handle is there. */
export function withSpec(
  report: DomainReport,
  domain: SimDomain | null,
): DomainReport {
  if (domain?.spec === undefined || domain.handle === null) return report;
  return { ...report, spec: VmSpec.parse(domain.spec) };
}
