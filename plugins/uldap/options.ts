/**
 * The options of `uldap`.
 *
 * @module
 */
import type { PluginTools } from "@usher/plugin";
import { hostSchema } from "../shared/host.ts";
import { filled } from "./escape.ts";

type Roles = "admin" | "user" | "viewer";

/** The options, checked. */
export interface Options {
  readonly server: string;
  readonly port?: number | undefined;
  readonly security: "starttls" | "ldaps" | "none";
  readonly ca_file?: string | undefined;
  readonly timeout: number;
  readonly bind_dn?: string | undefined;
  readonly password_file?: string | undefined;
  readonly user_dn?: string | undefined;
  readonly users?: Search | undefined;
  readonly groups?: GroupOptions | undefined;
  readonly roles: { readonly [R in Roles]?: readonly string[] | undefined };
  readonly default_role: Roles | "none";
  readonly when_down: "pass" | "refuse";
  readonly clusters?: { readonly base: string } | undefined;
}

/** Where something is looked for, and how. */
export interface Search {
  readonly base: string;
  readonly filter: string;
}

/** How somebody's groups are found. */
export interface GroupOptions {
  readonly base?: string | undefined;
  readonly filter?: string | undefined;
  readonly member_of?: string | undefined;
  readonly attribute: string;
  readonly nested: number;
}

/** The schema of the options. */
export function optionsOf({ z, duration }: PluginTools) {
  const path = z.string().startsWith("/", "must be an absolute path");
  const base = z.string().min(1);
  const filter = (names: readonly string[]) =>
    z.string().regex(/^\(.*\)$/s, "must stand in parentheses").superRefine(
      (text, check) => knownNames(text, names, (it) => check.addIssue(it)),
    ).refine(
      (text) => names.some((name) => text.includes(`{${name}}`)),
      `must have ${names.map((name) => `{${name}}`).join(" or ")} in it`,
    );
  const attribute = z.string().regex(
    /^[A-Za-z][A-Za-z0-9-]{0,63}$/,
    "must be the name of an attribute",
  );
  const group = z.array(z.string().min(1)).min(1).optional();
  return z.strictObject({
    server: hostSchema({ z }),
    /** 389, or 636 with ldaps. */
    port: z.int().min(1).max(65535).optional(),
    security: z.enum(["starttls", "ldaps", "none"]).default("starttls"),
    /** The authority of the server's certificate. */
    ca_file: path.optional(),
    timeout: duration.prefault("2s"),
    /** Who searches, and writes branches of clusters; nobody when absent. */
    bind_dn: z.string().min(1).optional(),
    password_file: path.optional(),
    /** The name of a user's entry; users are searched for when absent. */
    user_dn: z.string().superRefine((text, check) => {
      if (!text.includes("{user}")) {
        check.addIssue({ code: "custom", message: "must have {user} in it" });
      }
      knownNames(text, ["user"], (it) => check.addIssue(it));
    }).optional(),
    users: z.strictObject({
      base,
      filter: filter(["user"]).default("(uid={user})"),
    }).optional(),
    groups: z.strictObject({
      base: base.optional(),
      /** `(member={dn})` when absent. */
      filter: filter(["user", "dn"]).optional(),
      /** Where a server that keeps it names the groups of an entry. */
      member_of: attribute.optional(),
      attribute: attribute.default("cn"),
      /** How many groups may lie between somebody and a group that counts. */
      nested: z.int().min(0).max(20, "must be 20 at most").default(0),
    }).superRefine((groups, check) =>
      groupIssues(
        groups,
        (path, message) =>
          check.addIssue({ code: "custom", path: [path], message }),
      )
    ).optional(),
    /** Groups whose members have a role; the first of admin, user, viewer. */
    roles: z.strictObject({ admin: group, user: group, viewer: group })
      .default({}),
    /** The role of those in none of these; `none` keeps them out. */
    default_role: z.enum(["admin", "user", "viewer", "none"]).default("user"),
    /** What a login is answered while the directory cannot be asked. */
    when_down: z.enum(["pass", "refuse"]).default("pass"),
    /** Each cluster gets a branch there. */
    clusters: z.strictObject({ base }).optional(),
  }).superRefine((options, check) => {
    const issue = (path: string, message: string) =>
      check.addIssue({ code: "custom", path: [path], message });
    const { user_dn, users, bind_dn, password_file, clusters } = options;
    if ((user_dn === undefined) === (users === undefined)) {
      issue("user_dn", "Either user_dn or users says where users are");
    }
    if ((bind_dn === undefined) !== (password_file === undefined)) {
      issue("password_file", "bind_dn and password_file go together");
    }
    if (clusters !== undefined && bind_dn === undefined) {
      issue("bind_dn", "Branches of clusters are written by bind_dn");
    }
  });
}

/** What cannot be of where groups are looked for. */
function groupIssues(
  { base, filter, member_of, nested }: GroupOptions,
  issue: (path: string, message: string) => void,
): void {
  if (base === undefined && member_of === undefined) {
    issue("base", "Either base or member_of says where groups are");
  }
  if (filter !== undefined && member_of !== undefined) {
    issue("filter", "Groups are found by filter or by member_of, not by both");
  }
  if (nested > 0 && filter?.includes("{dn}") === false) {
    issue("nested", "Groups of groups are found by {dn} in filter");
  }
}

function knownNames(
  text: string,
  names: readonly string[],
  report: (issue: { code: "custom"; message: string }) => void,
): void {
  const values = Object.fromEntries(names.map((name) => [name, "x"]));
  try {
    filled(text, values, (value) => value);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    report({ code: "custom", message });
  }
}
