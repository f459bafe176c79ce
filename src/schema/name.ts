/**
 * Names: the one place where their patterns live.
 *
 * Every part of a name is a lower-case DNS label (RFC 1035 §2.3.1, with the
 * leading digit that RFC 1123 §2.1 allows), so that any VM can be given a DNS
 * name without being renamed. A VM's full name is `vm.cluster.user`.
 *
 * @module
 */
import { z } from "zod";

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

const LABEL_RULE =
  "must be a lower-case DNS label: letters, digits and inner hyphens, 63 at most";

/** The cluster of a VM that names none. */
export const DEFAULT_CLUSTER = "default";

/** The owner of domains that were found on a node and not made by usher. */
export const FOUND_OWNER = "found";

/** One part of a name. */
export const Label = z.string().regex(LABEL, LABEL_RULE);
export type Label = z.infer<typeof Label>;

/** The name of a node. */
export const NodeName = Label;
export type NodeName = z.infer<typeof NodeName>;

/** The name of an account. */
export const UserName = Label;
export type UserName = z.infer<typeof UserName>;

/** A VM's full name, `vm.cluster.user`. */
export const VmName = z.string().superRefine((value, context) => {
  const parts = value.split(".");
  if (parts.length !== 3) {
    context.addIssue({
      code: "custom",
      message: "must have three parts, vm.cluster.user",
    });
    return;
  }
  for (const part of parts) {
    if (!LABEL.test(part)) {
      context.addIssue({
        code: "custom",
        message: `part "${part}" ${LABEL_RULE}`,
      });
    }
  }
});
export type VmName = z.infer<typeof VmName>;

/** A ULID: 26 characters of Crockford's base 32, sorting by time. */
export const Uid = z.string().regex(
  /^[0-9a-hjkmnp-tv-z]{26}$/,
  "must be a lower-case ULID of 26 characters",
);
export type Uid = z.infer<typeof Uid>;

/** The three parts of a VM's full name. */
export interface VmNameParts {
  readonly vm: string;
  readonly cluster: string;
  readonly user: string;
}

/** Whether usher did not make the VM of this name, though it may have adopted it. */
export function isFoundName(name: string): boolean {
  return name.endsWith(`.${FOUND_OWNER}`);
}

/** Splits a full name; its form must have been checked before. */
export function splitVmName(name: string): VmNameParts {
  const [vm = "", cluster = "", user = ""] = name.split(".");
  return { vm, cluster, user };
}

/** Joins the parts of a full name. */
export function joinVmName({ vm, cluster, user }: VmNameParts): string {
  return `${vm}.${cluster}.${user}`;
}

/** Parts of the whole name of a VM, and of a cluster. */
export const WHOLE_NAME = { vm: 3, cluster: 2 } as const;

/**
 * `text` without the DNS suffix of the site, when it is a whole name with that:
 * `web.lab.ann.vm.example.org` is `web.lab.ann`. Less than a whole name keeps
 * its end, so no suffix changes what a short name means.
 */
export function withoutSuffix(
  text: string,
  suffix: string,
  parts: number = WHOLE_NAME.vm,
): string {
  const end = `.${suffix.toLowerCase()}`;
  const plain = text.endsWith(".") ? text.slice(0, -1) : text;
  if (suffix === "" || !plain.toLowerCase().endsWith(end)) return text;
  const name = plain.slice(0, -end.length);
  return name.split(".").length === parts ? name : text;
}

/** The name by which DNS knows a VM, or null where the site has no suffix. */
export function dnsName(name: string, suffix: string): string | null {
  return suffix === "" ? null : `${name}.${suffix.toLowerCase()}`;
}

/** Whether `text` is one lower-case DNS label. */
export function isLabel(text: string): boolean {
  return LABEL.test(text);
}

/** What is wrong with `text` as a label, or null. */
export function labelProblem(text: string): string | null {
  return LABEL.test(text) ? null : `"${text}" ${LABEL_RULE}`;
}
