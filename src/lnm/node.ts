/**
 * A node at work: it follows its drivers and keeps a session with the
 * controller, until it is told to end.
 *
 * It is given everything that ties it to a machine (the way to the controller,
 * drivers, the clock, randomness), so that a simulation can run the very same
 * code. It holds no state that matters: what runs is what the drivers list.
 *
 * @module
 */
import { isUsherError, messageOf } from "../error/mod.ts";
import { type DomainFrame, domainKey } from "../schema/frame.ts";
import type { Capacity } from "../schema/node.ts";
import type { Clock } from "../sys/clock.ts";
import { JoinedSignal } from "../sys/joined_signal.ts";
import { Acts } from "./acts.ts";
import { Guards } from "./guards.ts";
import { thinned } from "./progress.ts";
import { Reports } from "./reports.ts";
import {
  type LnmSession,
  runSession,
  type SessionMemory,
  type SessionParts,
} from "./session.ts";
import type { NodeFacts, NodeSettings } from "./settings.ts";
import { collectUsage, type UsageParts } from "./usage_loop.ts";

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;
const PROBE_EVERY_MS = 60_000;
/** While a driver does not work: what it waits for may have been started. */
const PROBE_SOON_MS = 5_000;

/** What a node works with. */
export type NodeParts =
  & Omit<SessionParts, "acts" | "guards" | "live" | "onLive" | "backlog">
  & UsageParts
  & {
    /** A number from 0 to 1, so that nodes that lost the controller together do not come back together. */
    readonly random: () => number;
    /** What may become another while the node works, in the place of the same above. */
    readonly settings?: NodeSettings;
    /** See `NodeFacts.given`. */
    readonly given?: Partial<Capacity>;
  };

/** What the node is set to at this moment. */
function factsOf(parts: NodeParts): NodeFacts {
  return parts.settings?.current ?? parts;
}

const CHANGED = "what the node tells of itself has changed";
const CAN_TELL = "a driver can tell what it runs now";

/** Works until `signal` aborts. Throws what keeps it from ever being let in. */
export async function runNode(
  parts: NodeParts,
  signal: AbortSignal,
): Promise<void> {
  const { drivers, clock, log } = parts;
  const live: { session: LnmSession | null } = { session: null };
  const backlog = new Map<string, DomainFrame>();
  const reports = new Reports(
    (domains) => {
      if (live.session !== null) {
        return live.session.sendReliable({ type: "report", domains });
      }
      for (const domain of domains) backlog.set(domainKey(domain), domain);
    },
    (frame) => drivers.look(frame, signal),
    clock,
  );
  const acts = new Acts(
    drivers,
    clock,
    (uid, isBusy, domain) => reports.busy(uid, isBusy, domain),
    (id) =>
      thinned(
        (progress) => live.session?.send({ type: "progress", id, progress }),
        clock,
      ),
  );
  const guards = new Guards(
    parts,
    (frame) => live.session?.sendReliable(frame),
  );
  const metered = {
    ...parts,
    get usageMs() {
      return factsOf(parts).usageMs;
    },
  };
  if (parts.settings !== undefined) {
    parts.settings.onChange = () => live.session?.close(CHANGED);
  }
  const loops = [
    ...[...drivers.all()].map((driver) =>
      reports.follow(driver, drivers, log, signal)
    ),
    collectUsage(metered, (usage) => live.session?.send(usage), signal),
    probeAgain(parts, live, signal),
  ];
  const onLive = (session: LnmSession | null) => void (live.session = session);
  await keepSession({ ...parts, acts, guards, live, backlog, onLive }, signal);
  await Promise.allSettled(loops);
}

async function keepSession(
  parts: SessionParts & NodeParts,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log, random } = parts;
  const memory: SessionMemory = { session: null };
  let wait = FIRST_RETRY_MS;
  while (!signal.aborted) {
    const began = clock.monotonic();
    try {
      const why = await runSession(withFacts(parts), memory, signal);
      if (!signal.aborted) {
        log[why === CHANGED || why === CAN_TELL ? "info" : "warn"](
          "the session ended",
          {
            reason: why,
          },
        );
      }
    } catch (error) {
      if (signal.aborted) return;
      if (isUsherError(error, "unauthenticated")) throw error;
      const hint = isUsherError(error) ? error.details.hint : undefined;
      log.warn("no session with the controller", {
        error: messageOf(error),
        ...(hint === undefined ? {} : { hint }),
        againMs: Math.round(wait),
      });
    }
    if (clock.monotonic() - began > MAX_RETRY_MS) wait = FIRST_RETRY_MS;
    await clock.sleep(wait * (0.5 + random()), signal).catch(() => {});
    wait = Math.min(MAX_RETRY_MS, wait * 2);
  }
}

/** A session tells the facts of its beginning, and is none for others. */
function withFacts(parts: SessionParts & NodeParts): SessionParts {
  const facts = factsOf(parts);
  const { machine } = parts.drivers;
  return {
    ...parts,
    ...facts,
    capacity: { ...facts.capacity, ...machine, ...facts.given },
    onLive(session) {
      parts.onLive(session);
      const isSame = factsOf(parts) === facts &&
        parts.drivers.machine === machine;
      if (!isSame) session?.close(CHANGED);
    },
  };
}

async function probeAgain(
  { drivers, clock }: NodeParts,
  live: { readonly session: LnmSession | null },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const wait = drivers.isHealthy ? PROBE_EVERY_MS : PROBE_SOON_MS;
    await napUntil(drivers.doubted, clock, wait, signal);
    if (signal.aborted) return;
    const { machine } = drivers;
    if (await drivers.probe(signal).catch(() => false)) {
      live.session?.send({ type: "drivers", drivers: drivers.reports });
    }
    if (drivers.machine !== machine) live.session?.close(CHANGED);
    // A session begins with all that runs, so a new one tells of the rest.
    if (await drivers.canTellMore(signal)) live.session?.close(CAN_TELL);
  }
}

/** Sleeps for so long, or until there is news. */
async function napUntil(
  news: Promise<void>,
  clock: Clock,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  const awake = new AbortController();
  using either = new JoinedSignal(signal, awake.signal);
  const nap = clock.sleep(ms, either.signal).catch(() => {});
  await Promise.race([nap, news]);
  awake.abort();
}
