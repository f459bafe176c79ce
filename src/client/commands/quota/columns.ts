/**
 * A quota as a row and as facts: what is used of what is allowed.
 *
 * @module
 */
import type { QuotaPart, QuotaView } from "../../../schema/quota.ts";
import { renderFacts } from "../../render/describe.ts";
import { memory } from "../../render/format.ts";
import type { Column } from "../../render/table.ts";

/** What is counted, in the order in which it is shown. */
export const PARTS = ["vms", "vcpus", "memory", "disk"] as const;

/** Columns for quotas. */
export const QUOTA_COLUMNS: readonly Column<QuotaView>[] = [
  { key: "name", value: ({ subject }) => subject, shrinks: true },
  ...PARTS.map((part): Column<QuotaView> => ({
    key: part,
    align: "right",
    value: (quota) => usedText(quota, part, "/"),
    sort: ({ used }) => used[part],
  })),
];

/** All that is known of a quota. */
export function describeQuota(quota: QuotaView): string {
  const { subject, set } = quota;
  return renderFacts([
    ["name", subject],
    ...PARTS.map((part): [string, string] => {
      const from = set.includes(part) ? " (set for it)" : "";
      return [part, usedText(quota, part, " of ") + from];
    }),
  ]);
}

function usedText(
  { used, limits }: QuotaView,
  part: QuotaPart,
  of: string,
): string {
  const limit = limits[part];
  const most = limit === null ? "any" : amount(part, limit);
  return `${amount(part, used[part])}${of}${most}`;
}

function amount(part: QuotaPart, value: number): string {
  const isSize = part === "memory" || part === "disk";
  return isSize ? memory(value) : String(value);
}
