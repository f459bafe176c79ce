/**
 * `--node-label`, `--apart-from` and `--together-with`: where VMs may run.
 *
 * @module
 */
import type { SpecInput } from "../../../schema/request.ts";
import { UsageError } from "../../usage.ts";

type PlacementInput = NonNullable<SpecInput["placement"]>;

/** What the flags say of it. */
export interface PlacementFlags {
  readonly "node-label": readonly (readonly [key: string, value: string])[];
  readonly "apart-from": readonly string[];
  readonly "together-with": readonly string[];
}

/** Reads one `KEY=VALUE`. */
export function readNodeLabel(word: string): readonly [string, string] {
  const at = word.indexOf("=");
  const key = word.slice(0, Math.max(0, at));
  if (/^[A-Za-z0-9_./-]{1,64}$/.test(key)) return [key, word.slice(at + 1)];
  throw new UsageError(
    `"${word}" is no label of a node`,
    "write KEY=VALUE, such as zone=a",
  );
}

/** Where VMs may run: of each part the flags win over the file. */
export function placementOf(
  file: PlacementInput | undefined,
  flags: PlacementFlags,
): PlacementInput | undefined {
  const {
    "node-label": labels,
    "apart-from": apart,
    "together-with": together,
  } = flags;
  const placement = {
    ...file,
    ...(labels.length === 0 ? {} : {
      nodeLabels: { ...file?.nodeLabels, ...Object.fromEntries(labels) },
    }),
    ...(apart.length === 0 ? {} : { apartFrom: [...apart] }),
    ...(together.length === 0 ? {} : { togetherWith: [...together] }),
  };
  return Object.keys(placement).length === 0 ? undefined : placement;
}
