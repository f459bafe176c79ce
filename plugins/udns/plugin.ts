/**
 * `udns`: A, AAAA and PTR records for VMs, by dynamic updates of a name server
 * (RFC 2136) that are signed with a shared key (TSIG, RFC 8945).
 *
 * Every event does the same: it makes the server have what the VM's record
 * says. So a missed event, a crash or a server that was down costs time and
 * nothing else; what failed is tried again by a clock of its own.
 *
 * @module
 */
import type {
  Manifest,
  Plugin,
  PluginContext,
  PluginTools,
} from "@usher/plugin";
import { hostSchema } from "../shared/host.ts";
import { readSmallFile } from "../shared/secret_file.ts";
import { NameServer } from "./name_server.ts";
import { Names } from "./names.ts";
import { begin, goOn } from "./repair.ts";
import { type Algorithm, ALGORITHMS, importKey } from "./tsig.ts";

/** What this plugin is and asks for. */
export const manifest: Manifest = {
  name: "udns",
  version: "1.0.0",
  api: 1,
  author: "usher",
  description: "Keeps the names of VMs in DNS, by signed dynamic updates",
  permissions: { net: true, read: true },
  ctx: ["vms", "state", "schedule"],
  events: {
    udns_retry: "The names of a VM are to be told to the server once more",
    udns_repair: "The next part of all names, or the zones, are to be compared",
  },
};

interface Options {
  readonly server: string;
  readonly port: number;
  readonly zone?: string | undefined;
  readonly reverse_zones: readonly string[];
  readonly key: string;
  readonly algorithm: Algorithm;
  readonly secret_file: string;
  readonly ttl: number;
  readonly timeout: number;
  readonly owner: string;
  readonly transfer: boolean;
  readonly addresses: readonly string[];
}

type Context = PluginContext<Options>;

const FIRST_RETRY_MS = 10_000;
const LAST_RETRY_MS = 600_000;

export default (tools: PluginTools): Plugin => {
  const { definePlugin } = tools;
  let names: Promise<Names> | null = null;
  /** The server and its key; the key is read once it is needed. */
  const opened = (ctx: Context) =>
    names ??= open(ctx).catch((error) => {
      names = null;
      throw error;
    });
  const follow = async (name: string, uid: string, ctx: Context) => {
    // What is played again is told to nobody.
    if (ctx.isReplay) return;
    await follows(await opened(ctx), { name, uid, attempt: 0 }, ctx);
  };
  return definePlugin({
    options: optionsOf(tools),
    handlers: {
      register: ([vm], ctx) => follow(vm.name, vm.uid, ctx),
      state_change: ([vm], ctx) => follow(vm.name, vm.uid, ctx),
      unregister: ([vm], ctx) => follow(vm.name, vm.uid, ctx),
      async ctrl_start(_args, ctx) {
        if (!ctx.isReplay) await begin(await opened(ctx), ctx);
      },
      async udns_repair(args: readonly unknown[], ctx: Context) {
        if (!ctx.isReplay) await goOn(await opened(ctx), args, ctx);
      },
      udns_retry: async ([name, uid, attempt], ctx: Context) => {
        const what = { name, uid, attempt: Number(attempt) };
        await follows(await opened(ctx), what, ctx);
      },
    },
  });
};

function optionsOf({ z, duration }: PluginTools) {
  const zone = z.string().max(255).regex(
    /^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    "must be a zone without a dot at its end, such as vm.example.org",
  );
  return z.strictObject({
    /** The primary server of the zone. */
    server: hostSchema({ z }),
    port: z.int().min(1).max(65535).default(53),
    /** `name_suffix` of the site when absent. */
    zone: zone.optional(),
    /** Zones that PTR records are kept in; no others are touched. */
    reverse_zones: z.array(
      zone.refine(
        (it) => /(^|\.)(in-addr|ip6)\.arpa$/.test(it),
        "must end in in-addr.arpa or ip6.arpa",
      ),
    ).default([]),
    key: z.string().min(1).max(255),
    algorithm: z.enum(Object.keys(ALGORITHMS) as [Algorithm, ...Algorithm[]])
      .default("hmac-sha256"),
    /** A file that holds the key's secret in base64, and nothing else. */
    secret_file: z.string().startsWith("/", "must be an absolute path"),
    ttl: z.int().min(0).max(604_800).default(300),
    timeout: duration.prefault("5s"),
    /** Tells this site's names from another's in the same zone. */
    owner: z.string().regex(
      /^[A-Za-z0-9_.-]{1,63}$/,
      "must have letters, digits, _ . -, 63 at most",
    ).default("usher"),
    /** Whether zones are read as a whole (AXFR) at the controller's start. */
    transfer: z.boolean().default(false),
    addresses: z.array(z.string().min(1)).min(1).default(["ip", "ip6"]),
  });
}

async function open(ctx: Context): Promise<Names> {
  const { options, site } = ctx;
  const zone = options.zone ?? site.nameSuffix.toLowerCase();
  if (zone === "") {
    throw new Error(
      'There is no zone: neither option "zone" nor name_suffix of the site is set',
    );
  }
  const secret = await readSmallFile(options.secret_file);
  const key = await importKey(options.key, options.algorithm, secret)
    .catch(() => {
      throw new Error(
        `File "${options.secret_file}" does not hold a secret in base64`,
      );
    });
  const server = new NameServer({
    host: options.server,
    port: options.port,
    key,
    timeoutMs: options.timeout,
  });
  return new Names(server, { ...options, zone });
}

interface Followed {
  readonly name: string;
  readonly uid: string;
  /** How often it has failed. */
  readonly attempt: number;
}

/** Tells the server, now or, when it cannot be told, later. */
async function follows(
  names: Names,
  { name, uid, attempt }: Followed,
  ctx: Context,
): Promise<void> {
  const key = `retry/${uid}`;
  try {
    await names.sync(uid, name, ctx, attempt > 0);
    if (attempt > 0) await ctx.schedule.cancel(key);
  } catch (error) {
    const wait = Math.min(FIRST_RETRY_MS * 2 ** attempt, LAST_RETRY_MS);
    ctx.log.warn(
      `names of "${name}" are tried again in ${wait / 1000} s: ${text(error)}`,
    );
    await ctx.schedule.at(wait, "udns_retry", [name, uid, attempt + 1], key);
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
