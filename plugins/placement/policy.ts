/**
 * The policy: which nodes a VM may have and how much its owner may hold, as an
 * administrator writes it in ctrl.yaml.
 *
 * Of the rules the first that is for a VM decides, and likewise of the shares,
 * so exceptions stand before what holds for everybody.
 *
 * @module
 */
import type { PluginTools, StartValue } from "@usher/plugin";

/** Labels that a node of a pool has. */
export type Labels = Readonly<Record<string, string>>;

/** Whom a rule or a share is for; all that is named must hold. */
export interface Whom {
  readonly users?: readonly string[] | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly clusters?: readonly string[] | undefined;
  /** Arguments that the request must carry. */
  readonly args?: Readonly<Record<string, string>> | undefined;
}

/** Which pool VMs go to. */
export interface Rule extends Whom {
  readonly name: string;
  readonly pool: string;
}

/** How much of the site one user may hold. */
export interface Share extends Whom {
  readonly name: string;
  readonly memory?: number | undefined;
  readonly vcpus?: number | undefined;
  readonly vms?: number | undefined;
  /** Refuse what goes beyond, or send it to a pool. */
  readonly beyond: "refuse" | { readonly pool: string };
}

/** The options. */
export interface Policy {
  readonly pools: Readonly<Record<string, Labels>>;
  readonly rules: readonly Rule[];
  readonly shares: readonly Share[];
  /** What a VM gets that asks for nothing, by `defaults` in ctrl.yaml. */
  readonly assume: { readonly memory: number; readonly vcpus: number };
}

/** A request, and one of its VMs. */
export interface Asked {
  readonly request: Pick<
    StartValue,
    "user" | "role" | "groups" | "args"
  >;
  /** `cluster.user` of the VM. */
  readonly cluster: string;
  readonly owner: string;
}

/** Tests text by a pattern. */
export type Matches = (pattern: string, text: string) => boolean;

/** A test of text by patterns, each compiled once. */
export function matcher({ glob }: Pick<PluginTools, "glob">): Matches {
  const compiled = new Map<string, (text: string) => boolean>();
  return (pattern, text) => {
    const test = compiled.get(pattern) ?? glob(pattern);
    compiled.set(pattern, test);
    return test(text);
  };
}

/** The schema of the options. */
export function policySchema({ z, size }: PluginTools, matches: Matches) {
  const pattern = z.string().min(1).max(200).refine((text) => {
    try {
      matches(text, "");
      return true;
    } catch {
      return false;
    }
  }, "is no pattern: use * for any text, ? for one character, [a-c] for a set");
  const patterns = z.array(pattern).min(
    1,
    "must name at least one; leave it out for everybody",
  ).optional();
  const role = z.enum(["admin", "user", "viewer"], {
    error: "must be admin, user or viewer",
  });
  const whom = {
    name: z.string().min(1).max(64),
    users: patterns,
    groups: patterns,
    roles: z.array(role).min(
      1,
      "must name at least one; leave it out for everybody",
    ).optional(),
    clusters: patterns,
    args: z.record(z.string(), pattern).optional(),
  };
  const pool = z.string().min(1).max(63);
  const amounts = {
    memory: size.optional(),
    vcpus: z.int().nonnegative().optional(),
    vms: z.int().nonnegative().optional(),
    beyond: z.union([
      z.literal("refuse", { error: "must be refuse, or name a pool" }),
      z.strictObject({ pool }),
    ]).default("refuse"),
  };
  const labels = z.record(
    z.string().regex(/^[A-Za-z0-9_./-]{1,64}$/, "is no key of a label"),
    z.string().max(256),
  );
  return z.strictObject({
    pools: z.record(pool, labels).default({}),
    rules: z.array(z.strictObject({ ...whom, pool })).default([]),
    shares: z.array(
      z.strictObject({ ...whom, ...amounts }).refine(
        ({ memory, vcpus, vms }) =>
          memory !== undefined || vcpus !== undefined || vms !== undefined,
        "must bound memory, vcpus or vms",
      ),
    ).default([]),
    assume: z.strictObject({
      memory: size.prefault("256MiB"),
      vcpus: z.int().min(1).default(1),
    }).prefault({}),
  }).superRefine(({ pools, rules, shares }, context) => {
    const check = (path: (string | number)[], name: string) => {
      if (Object.hasOwn(pools, name)) return;
      context.addIssue({
        code: "custom",
        path,
        message: `"${name}" is none of the pools ${
          Object.keys(pools).join(", ") || "(there is none)"
        }`,
      });
    };
    rules.forEach(({ pool }, at) => check(["rules", at, "pool"], pool));
    shares.forEach(({ beyond }, at) => {
      if (beyond === "refuse") return;
      check(["shares", at, "beyond", "pool"], beyond.pool);
    });
  });
}

/** The first of `all` that is for this; undefined when none is. */
export function firstFor<T extends Whom>(
  all: readonly T[],
  asked: Asked,
  matches: Matches,
): T | undefined {
  return all.find((whom) => isFor(whom, asked, matches));
}

function isFor(
  { users, groups, roles, clusters, args = {} }: Whom,
  { request, cluster, owner }: Asked,
  matches: Matches,
): boolean {
  const isOne = (patterns: readonly string[] | undefined, its: string[]) =>
    patterns === undefined ||
    its.some((one) => patterns.some((pattern) => matches(pattern, one)));
  // What is known of groups and roles is known of who asks, not of others.
  const isOwn = owner === request.user;
  return isOne(users, [owner]) &&
    isOne(groups, isOwn ? request.groups : []) &&
    isOne(roles, isOwn ? [request.role] : []) &&
    isOne(clusters?.map(clusterPattern), [cluster]) &&
    Object.entries(args).every(([key, pattern]) =>
      Object.hasOwn(request.args, key) &&
      matches(pattern, request.args[key] ?? "")
    );
}

/** A pattern of one label means the cluster of that name, whoever's it is. */
function clusterPattern(pattern: string): string {
  return pattern.includes(".") ? pattern : `${pattern}.*`;
}
