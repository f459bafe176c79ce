/**
 * Rules: who may give what, as an administrator writes it in ctrl.yaml.
 *
 * For each setting the first rule that speaks of it and is for the request
 * decides, as in ssh_config: exceptions stand first, what holds for everybody
 * last, and a rule repeats nothing that it does not change.
 *
 * @module
 */
import type { PluginTools, RequestValue } from "@usher/plugin";
import type { Globs } from "./glob.ts";

/** A request for VMs, as opposed to a read. */
export type VmRequestValue = Exclude<
  RequestValue,
  { verb: "list" | "lnm_list" }
>;

/** What a rule may bound; `any` takes back what a later rule would bound. */
export interface Limits {
  readonly memory?: number | "any" | undefined;
  readonly vcpus?: number | "any" | undefined;
  readonly count?: number | "any" | undefined;
  readonly disks?: number | "any" | undefined;
  readonly disk_size?: number | "any" | undefined;
  readonly nics?: number | "any" | undefined;
  readonly forwards?: number | "any" | undefined;
  readonly images?: readonly string[] | "any" | undefined;
  readonly disk_paths?: readonly string[] | "any" | undefined;
  readonly kernels?: readonly string[] | "any" | undefined;
  readonly drivers?: readonly string[] | "any" | undefined;
  readonly networks?: readonly string[] | "any" | undefined;
  readonly node_labels?: readonly string[] | "any" | undefined;
  readonly nodes?: readonly string[] | "any" | undefined;
}

/** What a request gets that leaves it open. */
export interface Defaults {
  readonly memory?: number | undefined;
  readonly vcpus?: number | undefined;
  readonly driver?: string | undefined;
  readonly node_labels?: Readonly<Record<string, string>> | undefined;
  readonly args?: Readonly<Record<string, string>> | undefined;
}

/** What is said of an argument: nobody may give it, or which values. */
export type ArgRule = "any" | "deny" | readonly string[];

/** One rule. */
export interface Rule {
  readonly name: string;
  readonly users?: readonly string[] | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly clusters?: readonly string[] | undefined;
  readonly exempt: boolean;
  readonly args: Readonly<Record<string, ArgRule>>;
  readonly limits: Limits;
  readonly defaults: Defaults;
  /** Arguments that are so whatever was asked. */
  readonly set: Readonly<Record<string, string>>;
}

/** The schema of the options. */
export function optionsSchema({ z, size }: PluginTools, known: Globs) {
  const glob = z.string().min(1).max(4096).refine(
    (text) => known.isGlob(text),
    "is no pattern: use * for any text, ? for one character, [a-c] for a set",
  );
  const globs = z.array(glob).min(
    1,
    "must name at least one; leave it out for everybody",
  );
  const list = z.union([
    z.literal("any", { error: "must be any, or a list of what is allowed" }),
    z.array(glob),
  ]);
  const roles = z.array(z.enum(["admin", "user", "viewer"], {
    error: "must be admin, user or viewer",
  })).min(1, "must name at least one; leave it out for everybody");
  /** Patterns of something that has a form of its own, which `isForm` knows. */
  const listOf = (isForm: RegExp, error: string) =>
    z.union([
      z.literal("any", { error: "must be any, or a list of what is allowed" }),
      z.array(glob.regex(isForm, error)),
    ]);
  const number = z.union([z.literal("any"), z.int().nonnegative()]);
  const amount = z.union([z.literal("any"), size]);
  const texts = z.record(
    z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, "is no key of an argument"),
    z.string().max(4096),
  );
  const limits = z.strictObject({
    memory: amount,
    vcpus: number,
    count: number,
    disks: number,
    disk_size: amount,
    nics: number,
    forwards: number,
    images: list,
    disk_paths: list,
    kernels: list,
    drivers: list,
    networks: listOf(
      /^([*]|user|(bridge|tap):.+)$/,
      "must be user, bridge:NAME or tap:NAME",
    ),
    node_labels: listOf(/[=*]/, "must be KEY=VALUE, such as zone=*"),
    nodes: list,
  }).partial();
  const defaults = z.strictObject({
    memory: size,
    vcpus: z.int().min(1, "must be 1 at least").max(512),
    driver: z.string().min(1).max(63),
    node_labels: z.record(z.string(), z.string()),
    args: texts,
  }).partial();
  const rule = z.strictObject({
    name: z.string().min(1).max(64),
    users: globs.optional(),
    groups: globs.optional(),
    roles: roles.optional(),
    clusters: globs.optional(),
    exempt: z.boolean().default(false),
    args: z.record(
      z.string().min(1).max(64),
      z.union([
        z.enum(["any", "deny"], {
          error: "must be any, deny, or a list of the values that may be given",
        }),
        z.array(glob),
      ]),
    ).default({}),
    limits: limits.prefault({}),
    defaults: defaults.prefault({}),
    set: texts.default({}),
  });
  return z.strictObject({
    rules: z.array(rule).min(1, "must have at least one rule").superRefine(
      (rules, context) => {
        rules.forEach(({ name }, at) => {
          if (rules.findIndex((other) => other.name === name) === at) return;
          context.addIssue({
            code: "custom",
            path: [at, "name"],
            message: `"${name}" names a rule above, too`,
          });
        });
      },
    ),
  });
}

/**
 * The rules for what a request wants in one cluster, up to the first that says
 * that nothing after it counts.
 */
export function rulesFor(
  rules: readonly Rule[],
  request: VmRequestValue,
  cluster: string,
  globs: Globs,
): Rule[] {
  const { user, role, groups } = request;
  const its = rules.filter((rule) =>
    isFor(rule.users, [user], globs) && isFor(rule.roles, [role], globs) &&
    isFor(rule.groups, groups, globs) &&
    isFor(rule.clusters?.map(clusterGlob), [cluster], globs)
  );
  const exempt = its.findIndex((rule) => rule.exempt);
  return exempt < 0 ? its : its.slice(0, exempt);
}

function isFor(
  wanted: readonly string[] | undefined,
  its: readonly string[],
  globs: Globs,
): boolean {
  return wanted === undefined || its.some((one) => globs.isAny(wanted, one));
}

/** A pattern of one label means the cluster of that name, whoever's it is. */
function clusterGlob(glob: string): string {
  return glob.includes(".") ? glob : `${glob}.*`;
}

/** The clusters of a request's VMs. */
export function clustersOf({ vms }: VmRequestValue): string[] {
  const names = vms.map(({ name }) => name.slice(name.indexOf(".") + 1));
  return [...new Set(names)];
}
