/**
 * Rules: what is made for a VM and where, as an administrator writes it in
 * ctrl.yaml, and the paths that they mean for one VM.
 *
 * What is put into a path is a DNS label, or has the form of a file's plain name, so
 * that no path leads elsewhere than its template says; it is checked here all
 * the same, since files are lost where such a thing is wrong.
 *
 * @module
 */
import type { PluginTools } from "@usher/plugin";

/** What all rules have. */
interface Common {
  /** VMs that it is for, by pattern; all when absent. */
  readonly vms?: readonly string[] | undefined;
  /** Octal digits. */
  readonly mode?: string | undefined;
  /** `UID:GID`. */
  readonly owner?: string | undefined;
  /** Stays when the VM goes, and may belong to several. */
  readonly keep: boolean;
}

/** A folder to make. */
export interface FolderRule extends Common {
  readonly folder: string;
}

/** A copy of an image to make. */
export interface CopyRule extends Common {
  readonly copy: string;
  readonly to: string;
  /** Makes it the disk of a new VM. */
  readonly attach: boolean;
  readonly format: "raw" | "qcow2";
}

/** One thing to make. */
export type Rule = FolderRule | CopyRule;

/** The options. */
export interface Options {
  readonly roots: readonly string[];
  readonly rules: readonly Rule[];
  readonly quota?: number | undefined;
  readonly reserve?: number | undefined;
}

/** The VM that paths are made for. */
export interface Whose {
  /** `vm.cluster.user`. */
  readonly name: string;
  readonly args: Readonly<Record<string, string>>;
}

/** What a rule means for one VM. */
export interface Item {
  readonly root: string;
  readonly path: string;
  /** The image to copy; null for a folder. */
  readonly base: string | null;
  readonly mode: number | null;
  readonly owner: readonly [uid: number, gid: number] | null;
  readonly keep: boolean;
  /** The format of the disk that it is to be; null for none. */
  readonly attach: "raw" | "qcow2" | null;
}

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** A value of an argument that may be part of a path. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const PLACE = /\{([^{}]*)\}/g;
/** What of a VM must stand in a path that is removed with it. */
const OWN = ["vm", "cluster", "user"];
/** The longest path: the key under which it is kept must not be longer. */
const MAX_PATH = 400;

/** The schema of the options. */
export function optionsSchema({ z, size, vmPattern }: PluginTools) {
  const path = z.string().max(200).refine(
    isPlainPath,
    "must be an absolute path without . and .., such as /net/local",
  );
  const template = path.superRefine((text, context) => {
    const message = templateFault(text);
    if (message !== null) context.addIssue({ code: "custom", message });
  });
  const common = {
    vms: z.array(
      z.string().min(1).max(200).refine((text) => {
        try {
          vmPattern(text);
          return true;
        } catch {
          return false;
        }
      }, "is no pattern of names"),
    ).min(1, "must name at least one; leave it out for all").optional(),
    mode: z.string("must be octal and in quotes, such as '0750'").regex(
      /^0?[0-7]{3}$/,
      "must be octal, such as '0750'",
    )
      .optional(),
    owner: z.string().regex(/^\d{1,9}:\d{1,9}$/, "must be UID:GID, in numbers")
      .optional(),
    keep: z.boolean().default(false),
  };
  const folder = z.strictObject({ folder: template, ...common });
  const copy = z.strictObject({
    copy: template,
    to: template,
    attach: z.boolean().default(false),
    format: z.enum(["raw", "qcow2"]).default("qcow2"),
    ...common,
  });
  return z.strictObject({
    roots: z.array(path).min(1, "must name at least one folder"),
    rules: z.array(z.union([folder, copy])).default([]),
    quota: size.optional(),
    reserve: size.optional(),
  }).superRefine(({ roots, rules }, context) => {
    rules.forEach((rule, at) => {
      const message = ruleFault(rule, roots);
      if (message === null) return;
      context.addIssue({ code: "custom", path: ["rules", at], message });
    });
  });
}

/** Whether `path` is absolute and in its shortest form. */
export function isPlainPath(path: string): boolean {
  return path.startsWith("/") && !path.includes("\0") &&
    path.slice(1).split("/").every((part) =>
      part !== "" && part !== "." && part !== ".."
    );
}

function templateFault(text: string): string | null {
  for (const [, place = ""] of text.matchAll(PLACE)) {
    if (OWN.includes(place) || /^args\.[A-Za-z0-9_.-]{1,64}$/.test(place)) {
      continue;
    }
    return `{${place}} means nothing: write {vm}, {cluster}, {user} or {args.KEY}`;
  }
  return /[{}]/.test(text.replace(PLACE, ""))
    ? "has a brace that belongs to nothing"
    : null;
}

function ruleFault(rule: Rule, roots: readonly string[]): string | null {
  const path = targetOf(rule);
  const fixed = path.slice(0, path.search(/\{|$/));
  if (!roots.some((root) => fixed.startsWith(`${root}/`))) {
    return `"${path}" does not lie in one of the roots ${roots.join(", ")}`;
  }
  if (rule.keep) return null;
  const missing = OWN.find((place) => !path.includes(`{${place}}`));
  if (missing !== undefined) {
    return `"${path}" is the same for several VMs: put {${missing}} into it, or say keep: true`;
  }
  // Labels have hyphens: a-b and c would mean the same file as a and b-c.
  return /\}[^./{]*\{/.test(path)
    ? `"${path}" may be the same for two VMs: put a . or / between its {}`
    : null;
}

function targetOf(rule: Rule): string {
  return "folder" in rule ? rule.folder : rule.to;
}

/** A rule that cannot be followed for a VM. */
export class BadPath extends Error {
  override readonly name = "BadPath";
}

/**
 * What the rules mean for a VM, in their order. A rule that speaks of an
 * argument which the VM has not is for another VM. Throws `BadPath`.
 */
export function itemsFor(
  { roots, rules }: Options,
  whose: Whose,
  isMeant: (pattern: string, name: string) => boolean,
): Item[] {
  return rules.flatMap((rule): Item[] => {
    const { vms, mode, owner, keep } = rule;
    if (vms !== undefined && !vms.some((it) => isMeant(it, whose.name))) {
      return [];
    }
    const path = expanded(targetOf(rule), whose);
    const base = "copy" in rule ? expanded(rule.copy, whose) : null;
    if (path === null || ("copy" in rule && base === null)) return [];
    const root = roots.find((it) => path.startsWith(`${it}/`));
    if (root === undefined || !isPlainPath(path)) {
      throw new BadPath(`"${path}" lies in none of the roots`);
    }
    if (path.length > MAX_PATH) {
      throw new BadPath(`"${path}" is longer than ${MAX_PATH} characters`);
    }
    return [{
      root,
      path,
      base,
      mode: mode === undefined ? null : parseInt(mode, 8),
      owner: owner === undefined ? null : ownerOf(owner),
      keep,
      attach: "copy" in rule && rule.attach ? rule.format : null,
    }];
  });
}

function ownerOf(text: string): readonly [number, number] {
  const [uid = "", gid = ""] = text.split(":");
  return [Number(uid), Number(gid)];
}

/** The template for one VM; null when it speaks of an argument that is not there. */
function expanded(template: string, { name, args }: Whose): string | null {
  const [vm = "", cluster = "", user = ""] = name.split(".");
  const labels: Readonly<Record<string, string>> = { vm, cluster, user };
  let isWhole = true;
  const path = template.replace(PLACE, (_match, place: string) => {
    const label = labels[place];
    if (label !== undefined) {
      if (!LABEL.test(label)) throw new BadPath(`"${name}" is no name of a VM`);
      return label;
    }
    const key = place.slice("args.".length);
    const value = Object.hasOwn(args, key) ? args[key] : undefined;
    if (value === undefined) isWhole = false;
    else if (!PLAIN.test(value)) {
      throw new BadPath(`Argument ${key}=${value} cannot be part of a path`);
    }
    return value ?? "";
  });
  return isWhole ? path : null;
}
