/**
 * What a plugin may do: what its manifest asks and the configuration grants,
 * never more than either.
 *
 * Nothing here looks at a file or a name server: a path is its text, so what is
 * granted under a folder is all that is named under it.
 *
 * @module
 */
import type {
  Capability,
  Grants,
  Manifest,
  PermissionSet,
} from "../../schema/plugin.ts";
import type { Verb } from "../../schema/operation.ts";

/** Permissions of a worker, as Deno takes them. */
export interface WorkerPermissions {
  readonly net: boolean | string[];
  readonly read: boolean | string[];
  readonly write: boolean | string[];
  readonly env: boolean | string[];
  readonly sys: boolean | string[];
  readonly run: boolean | string[];
  readonly ffi: false;
  /** Nothing is loaded but what lies in its snapshot. */
  readonly import: false;
}

/** What a plugin has, and what it would like to have. */
export interface Effective {
  readonly permissions: PermissionSet;
  readonly ctx: readonly Capability[];
  readonly verbs: readonly Verb[];
  /** What it asks and is not granted, such as `net ldap.example:636`. */
  readonly denied: readonly string[];
}

type Kind = keyof PermissionSet;
type Allowed = true | readonly string[];

const KINDS: readonly Kind[] = ["net", "read", "write", "env", "sys", "run"];

/** How two things of a kind meet: what both cover, or null. */
type Meet = (a: string, b: string) => string | null;

const MEET: Readonly<Record<Kind, Meet>> = {
  net: meetHosts,
  read: meetPaths,
  write: meetPaths,
  env: meetNames,
  sys: meetEqual,
  run: meetEqual,
};

/** What is both asked and granted, and what is asked alone. */
export function effective(
  asked: Pick<Manifest, "permissions" | "ctx" | "verbs">,
  granted: Grants,
): Effective {
  const permissions: Partial<Record<Kind, Allowed>> = {};
  const denied: string[] = [];
  for (const kind of KINDS) {
    const want = asked.permissions[kind];
    if (want === undefined) continue;
    const given = granted[kind];
    const have = given ?? [];
    const both = intersect(kind, want, have);
    if (both === true || both.length > 0) permissions[kind] = both;
    // Who asks for all of a kind wants what the configuration names of it.
    const lacks = want === true
      ? (given === undefined ? ["all"] : [])
      : missing(kind, want, have);
    denied.push(...lacks.map((item) => `${kind} ${item}`));
  }
  const ctx = asked.ctx.filter((one) => granted.ctx.includes(one));
  const verbs = asked.verbs.filter((one) => granted.verbs.includes(one));
  denied.push(
    ...asked.ctx.filter((one) => !ctx.includes(one)).map((one) => `ctx.${one}`),
    ...asked.verbs.filter((one) => !verbs.includes(one))
      .map((one) => `verb ${one}`),
  );
  return { permissions: permissions as PermissionSet, ctx, verbs, denied };
}

/** The permissions of the worker that runs the snapshot in `folder`. */
export function workerPermissions(
  { permissions }: Pick<Effective, "permissions">,
  folder: string,
): WorkerPermissions {
  const { net, read, write, env, sys, run } = permissions;
  return {
    net: forDeno(net),
    read: read === true ? true : [folder, ...read ?? []],
    write: forDeno(write),
    env: forDeno(env),
    sys: forDeno(sys),
    run: forDeno(run),
    ffi: false,
    import: false,
  };
}

/** The variables of `names` that a worker with these permissions may see. */
export function visibleVariables(
  { permissions }: Pick<Effective, "permissions">,
  names: readonly string[],
): string[] {
  const { env } = permissions;
  if (env === undefined) return [];
  if (env === true) return [...names];
  return names.filter((name) => env.some((one) => coversName(one, name)));
}

// An empty list would mean nothing as well; to say so takes no care.
function forDeno(allowed: Allowed | undefined): boolean | string[] {
  if (allowed === undefined || allowed === true) return allowed === true;
  return allowed.length > 0 && [...allowed];
}

/** What both allow. */
export function intersect(kind: Kind, a: Allowed, b: Allowed): Allowed {
  if (a === true) return b === true ? true : intersect(kind, b, b);
  if (b === true) return intersect(kind, a, a);
  const both = a.flatMap((one) =>
    b.map((other) => MEET[kind](one, other)).filter((met) => met !== null)
  );
  return [...new Set(both)];
}

/** What of `want` is not wholly had. */
function missing(
  kind: Kind,
  want: readonly string[],
  have: Allowed,
): string[] {
  return want.filter((one) => {
    const whole = MEET[kind](one, one);
    if (whole === null || have === true) return whole === null;
    return !have.some((other) => MEET[kind](one, other) === whole);
  });
}

function meetEqual(a: string, b: string): string | null {
  return a === b ? a : null;
}

/** Names of variables; a `*` at the end stands for any rest. */
function meetNames(a: string, b: string): string | null {
  if (coversName(b, a)) return a;
  return coversName(a, b) ? b : null;
}

function coversName(pattern: string, name: string): boolean {
  return pattern.endsWith("*")
    ? name.startsWith(pattern.slice(0, -1))
    : pattern === name;
}

/** Absolute paths; one covers all that lies under it. A relative one is none. */
function meetPaths(a: string, b: string): string | null {
  const [one, other] = [normalPath(a), normalPath(b)];
  if (one === null || other === null) return null;
  if (isUnder(one, other)) return one;
  return isUnder(other, one) ? other : null;
}

function isUnder(path: string, folder: string): boolean {
  return path === folder ||
    path.startsWith(folder === "/" ? "/" : `${folder}/`);
}

/** Without `.`, `..` and empty parts; null for one that begins elsewhere than at the root. */
function normalPath(path: string): string | null {
  if (!path.startsWith("/") || path.includes("\0")) return null;
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** `host` covers every port of it, `host:port` one. */
function meetHosts(a: string, b: string): string | null {
  const [one, other] = [hostOf(a), hostOf(b)];
  if (one.host !== other.host) return null;
  if (one.port === null) return textOf(other);
  return other.port === null || other.port === one.port ? textOf(one) : null;
}

interface HostPort {
  readonly host: string;
  readonly port: string | null;
}

function hostOf(text: string): HostPort {
  const [, host = text, port] = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(text) ?? [];
  return { host: host.toLowerCase(), port: port ?? null };
}

function textOf({ host, port }: HostPort): string {
  return port === null ? host : `${host}:${port}`;
}
