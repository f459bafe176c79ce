/**
 * `history`: what became of VMs and nodes, what operations came to, and what
 * was used, in PostgreSQL or SQLite, for other tools.
 *
 * Each event is written at least once, and twice is once: its row has the
 * decision's id as its key. While the database is down rows wait in the
 * plugin's own space; what finds no room there is counted, and the count is
 * written into the history itself, so that it never looks whole when it is not.
 *
 * @module
 */
import type {
  Manifest,
  Plugin,
  PluginContext,
  PluginTools,
} from "@usher/plugin";
import { allUsage } from "../shared/all_vms.ts";
import { openDatabase } from "../shared/postgres.ts";
import { readSmallFile } from "../shared/secret_file.ts";
import { all, keep, lose, lost, strike, toldLost } from "./backlog.ts";
import { type Options, optionsOf } from "./options.ts";
import { PostgresSink } from "./postgres_sink.ts";
import {
  gapRow,
  NODE_EVENTS,
  nodeRow,
  operationRow,
  usageRows,
  VERBS,
  VM_EVENTS,
  vmRow,
} from "./rows.ts";
import { SqliteSink } from "./sqlite_sink.ts";
import type { Row, Sink } from "./tables.ts";
import { Writer } from "./writer.ts";

/** What this plugin is and asks for. */
export const manifest: Manifest = {
  name: "history",
  version: "1.0.0",
  api: 1,
  author: "usher",
  description: "Writes the history of VMs, nodes and usage to a database",
  permissions: { net: true, read: true, write: true },
  ctx: ["usage", "state", "schedule"],
  events: {
    history_flush: "What waits is to be written to the database",
  },
};

type Context = PluginContext<Options>;
// deno-lint-ignore no-explicit-any -- the arguments of any of these events
type Handler = (args: any, ctx: Context) => Promise<void>;

const FLUSH_MS = 10_000;
/** How many entries one batch of a flush holds. */
const FLUSH_ENTRIES = 100;
const DAY_MS = 86_400_000;

/** One for each database, since each registration has a function of its own. */
const WRITERS = new Map<string, Writer>();

export default (tools: PluginTools): Plugin =>
  tools.definePlugin({
    options: optionsOf(tools),
    handlers: {
      ...on(VM_EVENTS, ([vm], ctx) =>
        record([vmRow(vm, ctx, ctx.options.site, Date.now())], ctx)),
      ...on(NODE_EVENTS, ([node], ctx) =>
        record([nodeRow(node, ctx, ctx.options.site)], ctx)),
      ...on(
        VERBS.flatMap((verb) => [verb, `${verb}_failure`]),
        (args, ctx) =>
          record(
            [operationRow(args, ctx, ctx.options.site, Date.now())],
            ctx,
          ),
      ),
      periodic: (_args, ctx) =>
        sample(ctx),
      ctrl_start: (_args, ctx) =>
        flush(ctx),
      history_flush: (_args, ctx: Context) =>
        flush(ctx),
    },
  });

function on(
  events: readonly string[],
  handler: Handler,
): Record<string, Handler> {
  return Object.fromEntries(events.map((event) => [event, handler]));
}

/** Writes rows now, or has them wait until they can be written. */
async function record(rows: readonly Row[], ctx: Context): Promise<void> {
  // What is played again has its rows.
  if (ctx.isReplay) return;
  try {
    await writerOf(ctx.options).write(rows);
  } catch (error) {
    const { state, options, decision } = ctx;
    const isKept = await keep(rows, {
      id: decision,
      limit: options.backlog,
      state,
    });
    ctx.log.warn(
      `${isKept ? "kept until it can be written" : "lost"}: ${text(error)}`,
    );
    await ctx.schedule.at(FLUSH_MS, "history_flush", [], "flush");
  }
}

/** Writes what VMs and nodes use now, and removes what is kept long enough. */
async function sample(ctx: Context): Promise<void> {
  if (ctx.isReplay) return;
  const { site, keep_events_days, keep_usage_days } = ctx.options;
  const writer = writerOf(ctx.options);
  const now = Date.now();
  const rows = [
    ...usageRows("vm", await allUsage(ctx.usage), site, now),
    ...usageRows("node", await ctx.usage.nodes(), site, now),
  ];
  let why: unknown = null;
  const written = await writer.writeMany(rows, (error) => why = error);
  if (written < rows.length) {
    // What was used is worth less than room for what happened.
    await lose(rows.length - written, ctx.state);
    ctx.log.warn(`usage is not written: ${text(why)}`);
    return await ctx.schedule.at(FLUSH_MS, "history_flush", [], "flush");
  }
  const keep = {
    site,
    events: keep_events_days * DAY_MS,
    usage: keep_usage_days * DAY_MS,
  };
  await writer.pruneSometimes(keep, now).catch((error) =>
    ctx.log.warn(`what is old is removed later: ${text(error)}`)
  );
}

/** Writes what waits, and how much was lost. */
async function flush(ctx: Context): Promise<void> {
  if (ctx.isReplay) return;
  const { state, options } = ctx;
  const writer = writerOf(options);
  writer.wake();
  try {
    const entries = await all(state);
    for (let at = 0; at < entries.length; at += FLUSH_ENTRIES) {
      const part = entries.slice(at, at + FLUSH_ENTRIES);
      await writer.write(part.flatMap(({ rows }) => rows));
      await strike(part.map(({ key }) => key), state);
    }
    const count = await lost(state);
    if (count > 0) {
      const row = gapRow(count, ctx.decision, options.site, Date.now());
      await writer.write([row]);
      await toldLost(count, state);
    }
    if (entries.length > 0) {
      ctx.log.info(`${entries.length} that waited are written`);
    }
  } catch (error) {
    ctx.log.warn(`what waits is tried again: ${text(error)}`);
    await ctx.schedule.at(FLUSH_MS, "history_flush", [], "flush");
  }
}

function writerOf(options: Options): Writer {
  const key = JSON.stringify(options);
  const writer = WRITERS.get(key) ??
    new Writer(() => openSink(options), options.timeout);
  WRITERS.set(key, writer);
  return writer;
}

async function openSink(options: Options): Promise<Sink> {
  const { file, server, port, db_name, user, password_file, ca_file } = options;
  if (file !== undefined) return SqliteSink.open(file);
  const sql = openDatabase({
    host: server ?? "",
    port,
    database: db_name,
    user,
    password: await readSmallFile(password_file ?? ""),
    ca: ca_file === undefined ? null : await readSmallFile(ca_file),
  });
  try {
    return await PostgresSink.open(sql);
  } catch (error) {
    await sql.end({ timeout: 1 });
    throw error;
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
