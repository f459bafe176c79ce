/**
 * `uldap`: lets in whom a directory lets in, with the role that its groups
 * give, and gives each cluster a branch there.
 *
 * It only ever says yes. A login that an earlier handler has let in stays so,
 * and one that the directory does not know goes on to the next handler, so
 * that local accounts work beside it, and alone while the directory is down.
 *
 * @module
 */
import type { Client } from "ldapts";
import type {
  Cluster,
  Credentials,
  Identity,
  Manifest,
  Plugin,
  PluginContext,
  PluginTools,
} from "@usher/plugin";
import { readSmallFile } from "../shared/secret_file.ts";
import { ensureBranch } from "./branch.ts";
import { compareFrom } from "./compare.ts";
import { Directory } from "./directory.ts";
import { type Options, optionsOf } from "./options.ts";

/** What this plugin is and asks for. */
export const manifest: Manifest = {
  name: "uldap",
  version: "1.0.0",
  api: 1,
  author: "usher",
  description: "Checks users against LDAP, and keeps a branch per cluster",
  permissions: { net: true, read: true },
  ctx: ["clusters", "schedule"],
  events: {
    uldap_retry: "The branch of a cluster is to be written once more",
  },
};

type Context = PluginContext<Options>;
type Login = [Credentials, boolean, Identity];

const RETRY_MS = 30_000;

export default (tools: PluginTools): Plugin => {
  let directory: Promise<Directory> | null = null;
  /** The directory; files with certificates and passwords are read once. */
  const opened = (ctx: Context) =>
    directory ??= open(ctx.options).catch((error) => {
      directory = null;
      throw error;
    });
  const branch = async (cluster: Cluster, ctx: Context) => {
    // What is played again is told to nobody.
    if (ctx.isReplay) return;
    try {
      const directory = await opened(ctx);
      await directory.asService(
        ctx.signal,
        (client) => ensure(directory, cluster, { client, ctx }),
      );
    } catch (error) {
      await tryAgain(cluster, error, ctx);
    }
  };
  const compare = async (from: string, ctx: Context) => {
    if (ctx.isReplay || ctx.options.clusters === undefined) return;
    const comparing = async () => {
      const directory = await opened(ctx);
      return {
        directory,
        ensure: (cluster: Cluster, client: Client) =>
          ensure(directory, cluster, { client, ctx }),
        tryAgain: (cluster: Cluster, why: unknown) =>
          tryAgain(cluster, why, ctx),
      };
    };
    await compareFrom(from, comparing, ctx, RETRY_MS);
  };
  return tools.definePlugin({
    options: optionsOf(tools),
    handlers: {
      client_authenticate: async ([credentials, isValid, identity], ctx) => {
        if (isValid || credentials.password === "") return;
        return await login([credentials, isValid, identity], opened, ctx);
      },
      cluster_register: ([cluster], ctx) => branch(cluster, ctx),
      ctrl_start: (_args, ctx) => compare("", ctx),
      uldap_retry: async ([name, from], ctx: Context) => {
        // Without a name it is all of them, from one on.
        if (name === "") return await compare(String(from), ctx);
        const cluster = await ctx.clusters.get(String(name));
        if (cluster !== null) await branch(cluster, ctx);
      },
    },
  });
};

async function open(options: Options): Promise<Directory> {
  const { server: host, security, ca_file, password_file, timeout } = options;
  const password = password_file === undefined
    ? null
    : await readSmallFile(password_file);
  const server = {
    host,
    port: options.port ?? (security === "ldaps" ? 636 : 389),
    security,
    ca: ca_file === undefined ? null : await readSmallFile(ca_file),
    timeoutMs: timeout,
  };
  return new Directory(server, options, password);
}

async function login(
  [credentials, isValid, identity]: Login,
  opened: (ctx: Context) => Promise<Directory>,
  ctx: Context,
): Promise<Login | undefined> {
  const { user, password } = credentials;
  const { when_down } = ctx.options;
  try {
    const directory = await opened(ctx);
    const person = await directory.check(user, password, ctx.signal);
    if (person === null) return [credentials, isValid, identity];
    if (person.isCutOff) {
      ctx.log.warn(
        `groups of "${user}" lie deeper in one another than "groups.nested" allows; those do not count`,
      );
    }
    const role = roleOf(person.groups, ctx.options);
    if (role === "none") {
      ctx.log.info(`"${user}" is in no group that may log in`);
      return [credentials, isValid, identity];
    }
    const groups = [...new Set([...identity.groups, ...person.groups])];
    return [credentials, true, { role, groups }];
  } catch (error) {
    if (when_down === "refuse") throw error;
    ctx.log.error(`directory was not asked about "${user}": ${text(error)}`);
  }
}

/** The first role that one of somebody's groups gives. */
function roleOf(
  groups: readonly string[],
  { roles, default_role }: Options,
): Options["default_role"] {
  const gives = (["admin", "user", "viewer"] as const).find((role) =>
    groups.some((group) => roles[role]?.includes(group))
  );
  return gives ?? default_role;
}

async function tryAgain(
  { name }: Cluster,
  why: unknown,
  ctx: Context,
): Promise<void> {
  ctx.log.warn(
    `branch of cluster "${name}" is tried again in ${RETRY_MS / 1000} s: ${
      text(why)
    }`,
  );
  await ctx.schedule.at(RETRY_MS, "uldap_retry", [name], `retry/${name}`);
}

async function ensure(
  directory: Directory,
  cluster: Cluster,
  { client, ctx }: { readonly client: Client; readonly ctx: Context },
): Promise<void> {
  const { clusters, bind_dn } = ctx.options;
  if (clusters === undefined || bind_dn === undefined) return;
  const { base } = clusters;
  const branch = { client, base, service: bind_dn };
  const unknown = await ensureBranch(directory, cluster, branch);
  if (unknown.length > 0) {
    ctx.log.warn(
      `cluster "${cluster.name}": the directory has no ${unknown.join(", ")}`,
    );
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
