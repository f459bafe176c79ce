/**
 * The comparison of all names with the VMs that there are: page by page of the
 * plugin's own book, then what else the zones have marked as this site's.
 *
 * It is made by many calls, since each has a deadline, and where it stands is
 * durable after each part: a call that is cut off, a restart, and a server
 * that is away for a while cost time alone. VMs of a part wait for their turn
 * while it is told to the server; all others do not.
 *
 * @module
 */
import type { Json, PluginContext } from "@usher/plugin";
import { entriesOf, type Entry, PAGES } from "./book.ts";
import { comparePart, type Outcome } from "./compare.ts";
import type { Names } from "./names.ts";
import { removeStrays } from "./strays.ts";
import { type Survey, survey } from "./survey.ts";

type Context = PluginContext<{ readonly transfer: boolean }>;

/** What `udns_repair` is told when zones are to be looked through. */
const ZONES = "zones";
/** VMs of one part. */
const PART = 400;
/** How long a call goes on before it leaves the rest to another. Deadlines are longer. */
const CALL_MS = 12_000;
/** The same of `ctrl_start`, whose chain others wait for. */
const FIRST_CALL_MS = 3000;
/** What comes later than a second after its cause is no part of it. */
const NEXT_MS = 1000;
/** How long a server that cannot be asked is left alone. */
const RETRY_MS = 60_000;
const REPORT_MS = 5000;

/** A comparison that goes on. */
interface Pass {
  /** The last page that was compared; nothing for none. */
  at: string;
  what: string;
  readonly count: Outcome & { compared: number };
  survey: Survey | null;
  isRunning: boolean;
}

/** For all registrations together, since each event has one of its own. */
let current: Pass | null = null;

/** Compares all names, from the first one on. */
export async function begin(names: Names, ctx: Context): Promise<void> {
  end(current);
  await run(current = passFrom("", ""), FIRST_CALL_MS, names, ctx);
}

/** Goes on where `args` say, unless it goes on already. */
export async function goOn(
  names: Names,
  [at, what]: readonly unknown[],
  ctx: Context,
): Promise<void> {
  if (current?.isRunning === true) return;
  current ??= passFrom(String(at), String(what));
  await run(current, CALL_MS, names, ctx);
}

function passFrom(at: string, what: string): Pass {
  return {
    at: PAGES.includes(at) ? at : "",
    what: what === ZONES ? ZONES : "",
    count: { compared: 0, told: 0, foreign: [], refused: [] },
    survey: null,
    isRunning: false,
  };
}

function end(pass: Pass | null): void {
  pass?.survey?.[Symbol.dispose]();
  if (pass !== null) pass.survey = null;
  if (current === pass) current = null;
}

async function run(
  pass: Pass,
  forMs: number,
  names: Names,
  ctx: Context,
): Promise<void> {
  const until = Date.now() + forMs;
  pass.isRunning = true;
  try {
    const isOver = await names.server.session(async () => {
      // Should this call be cut off, the next one comes all the same.
      await goOnIn(RETRY_MS, pass, ctx);
      pass.survey ??= await survey(names, ctx);
      return await pages(pass, pass.survey, { names, ctx, until }) &&
        await strays(pass, pass.survey, { names, ctx, until });
    });
    if (current !== pass) return;
    if (!isOver) return await goOnIn(NEXT_MS, pass, ctx);
    end(pass);
    report(pass, ctx);
    await ctx.schedule.cancel(KEY);
  } catch (error) {
    if (current !== pass) return;
    end(pass);
    const text = error instanceof Error ? error.message : String(error);
    ctx.log.warn(`names are compared again in a minute: ${text}`);
    await goOnIn(RETRY_MS, pass, ctx);
  } finally {
    pass.isRunning = false;
  }
}

interface Part {
  readonly names: Names;
  readonly ctx: Context;
  readonly until: number;
}

/** Page after page; whether that was the last. */
async function pages(
  pass: Pass,
  survey: Survey,
  { names, ctx, until }: Part,
): Promise<boolean> {
  if (pass.what === ZONES) return true;
  let reportAt = Date.now() + REPORT_MS;
  let [digit, entries] = ["", new Map<string, Entry>()];
  const rest = PAGES.filter((page) => page > pass.at);
  const work = { names, ctx, survey };
  for (let from = 0; from < rest.length;) {
    const page = rest[from] ?? "";
    if (page[0] !== digit) {
      digit = page[0] ?? "";
      entries = await entriesOf(digit, ctx.state);
    }
    const uids = uidsOf(survey, entries);
    const some: string[] = [];
    let to = from;
    while (some.length < PART && rest[to]?.[0] === digit) {
      some.push(...uids(rest[to++] ?? ""));
    }
    if (some.length > 0) {
      const outcome = await comparePart(some, entries, work);
      if (current !== pass) return false;
      add(pass.count, outcome, some.length);
    }
    pass.at = rest[to - 1] ?? pass.at;
    from = to;
    if (from === rest.length) return true;
    if (some.length > 0) await goOnIn(RETRY_MS, pass, ctx);
    if (Date.now() > reportAt) {
      reportAt = Date.now() + REPORT_MS;
      ctx.log.info(
        `names of ${pass.count.compared} of ${survey.vms} VMs are compared`,
      );
    }
    if (Date.now() > until) return false;
  }
  return true;
}

/** All VMs of a page: those that there are, and those that something is written down of. */
function uidsOf(
  { byPage }: Survey,
  entries: ReadonlyMap<string, Entry>,
): (page: string) => Set<string> {
  const known = Map.groupBy(entries.keys(), (uid) => uid.slice(-2));
  return (page) =>
    new Set([
      ...(byPage.get(page) ?? []).map(({ uid }) => uid),
      ...known.get(page) ?? [],
    ]);
}

async function strays(
  pass: Pass,
  { zones }: Survey,
  { names, ctx, until }: Part,
): Promise<boolean> {
  if (zones === null) return true;
  pass.what = ZONES;
  return await removeStrays(names, zones, { ctx, until });
}

const KEY = "repair";

async function goOnIn(ms: number, pass: Pass, ctx: Context): Promise<void> {
  const args: Json[] = [pass.at, pass.what];
  await ctx.schedule.at(ms, "udns_repair", args, KEY);
}

function add(count: Pass["count"], outcome: Outcome, compared: number): void {
  count.compared += compared;
  count.told += outcome.told;
  count.foreign.push(...outcome.foreign);
  count.refused.push(...outcome.refused);
}

/** How many names are shown of those that stay as they are. */
const SHOWN = 10;

function report({ count, what }: Pass, ctx: Context): void {
  const { compared, told, foreign, refused } = count;
  if (what !== ZONES || compared > 0) {
    ctx.log.info(
      `names of ${compared} VMs are compared, and the server was told of ${told}`,
    );
  }
  const cases = [
    ["somebody else's and stay as they are", foreign],
    ["not to be changed by this key", refused],
  ] as const;
  for (const [why, names] of cases) {
    if (names.length === 0) continue;
    const more = names.length > SHOWN
      ? ` and ${names.length - SHOWN} more`
      : "";
    const shown = names.slice(0, SHOWN).map((it) => `"${it}"`).join(", ");
    ctx.log.warn(`${names.length} names are ${why}: ${shown}${more}`);
  }
}
