/**
 * One session with the controller: say who we are and what runs here, then
 * do what is asked until the link ends.
 *
 * @module
 */
import { fromProblem, UsherError } from "../error/mod.ts";
import { Inbox, Outbox } from "../link/outbox.ts";
import { Session } from "../link/session.ts";
import {
  type DomainFrame,
  domainKey,
  DOMAINS_PER_FRAME,
  DownFrame,
  MAX_FRAME_BYTES,
  PROTOCOL,
  type UpFrame,
} from "../schema/frame.ts";
import type { Capacity, Overcommit } from "../schema/node.ts";
import type { Clock } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";
import type { Acts } from "./acts.ts";
import type { Guards } from "./guards.ts";
import { serveConsole } from "./console.ts";
import type { DriverSet, Listing } from "./driver_set.ts";
import type { Uplink } from "./uplink.ts";

/** Until the controller says how often, a beat so often. */
const FIRST_BEAT_MS = 1000;
const WELCOME_MS = 30_000;

/** How long what was said last may take to leave after the end. */
const LINGER_MS = 200;

/** A session as the LNM has it. */
export type LnmSession = Session<DownFrame, UpFrame>;

/** What outlives a session. */
export interface SessionMemory {
  session: { id: string; outbox: Outbox<UpFrame>; inbox: Inbox } | null;
}

/** What a session works with. */
export interface SessionParts {
  /** What the node is let in with. */
  readonly identity: { readonly name: string; readonly secret: string };
  readonly uplink: Uplink;
  readonly clock: Clock;
  readonly drivers: DriverSet;
  readonly acts: Acts;
  readonly guards: Guards;
  readonly capacity: Capacity;
  readonly labels: Readonly<Record<string, string>>;
  /** What the node promises of itself; the controller's default when absent. */
  readonly overcommit?: Overcommit;
  readonly version: string;
  readonly bootId: string;
  readonly log: Log;
  /** The session that is up now. */
  readonly live: { readonly session: LnmSession | null };
  /** Reports that no session could carry, newer than the last list of all domains. */
  readonly backlog: Map<string, DomainFrame>;
  /** Told when the session can carry reports, and when it no longer can (null). */
  readonly onLive: (session: LnmSession | null) => void;
  /** Told when the controller counts on this node, once a session. */
  readonly onReady: () => void;
}

/**
 * Runs one session; resolves with why it ended. Throws when it could not
 * begin: `unavailable`, or what the controller said.
 */
export async function runSession(
  parts: SessionParts,
  memory: SessionMemory,
  signal: AbortSignal,
): Promise<string> {
  // What is heard from now on is newer than the list, or the same.
  parts.backlog.clear();
  const listing = await parts.drivers.list(signal);
  const { domains } = listing;
  const cut = new AbortController();
  const incoming = Promise.withResolvers<ReadableStream<Uint8Array>>();
  const session: LnmSession = new Session<DownFrame, UpFrame>({
    clock: parts.clock,
    incoming: later(incoming.promise),
    parse: parseDown,
    beat: () => beatOf(parts),
    beatMs: FIRST_BEAT_MS,
    deadMs: WELCOME_MS,
    maxFrameBytes: MAX_FRAME_BYTES,
  });
  const stop = () => {
    session.send({ type: "bye", reason: String(signal.reason) });
    session.close(String(signal.reason));
  };
  signal.addEventListener("abort", stop, { once: true });
  let cutting: Disposable | undefined;
  session.ended.addEventListener(
    "abort",
    () => cutting = parts.clock.after(LINGER_MS, () => cut.abort()),
    { once: true },
  );
  try {
    sayHello(parts, memory, session, listing);
    session.startHeartbeat();
    incoming.resolve(
      await parts.uplink.session(session.outgoing, cut.signal),
    );
    return await listen(parts, memory, session, domains, signal);
  } finally {
    parts.onLive(null);
    signal.removeEventListener("abort", stop);
    session.close("over");
    cutting?.[Symbol.dispose]();
    cut.abort();
  }
}

/** A beat that says when it was sent, for the lease that is its answer. */
function beatOf({ clock }: SessionParts): UpFrame {
  return { type: "beat", at: clock.boot(), now: clock.now() };
}

function later(
  stream: Promise<ReadableStream<Uint8Array>>,
): ReadableStream<Uint8Array> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  void stream.then((source) => source.pipeTo(writable)).catch(() => {});
  return readable;
}

function sayHello(
  parts: SessionParts,
  memory: SessionMemory,
  session: LnmSession,
  { domains, unlisted }: Listing,
): void {
  const { identity, drivers, capacity, labels, overcommit, version, bootId } =
    parts;
  const resume = memory.session;
  session.send({
    type: "hello",
    name: identity.name,
    secret: identity.secret,
    version,
    protocol: PROTOCOL,
    bootId,
    capacity,
    drivers: drivers.reports,
    labels: { ...labels },
    ...(overcommit === undefined ? {} : { overcommit }),
    domainCount: domains.length,
    unlisted: [...unlisted],
    resume: resume === null || !resume.outbox.complete
      ? null
      : { session: resume.id, seen: resume.inbox.seen },
  });
}

function sendDomains(
  session: LnmSession,
  domains: readonly DomainFrame[],
): void {
  for (
    let from = 0;
    from === 0 || from < domains.length;
    from += DOMAINS_PER_FRAME
  ) {
    const part = domains.slice(from, from + DOMAINS_PER_FRAME);
    session.send({
      type: "domains",
      domains: part,
      last: from + DOMAINS_PER_FRAME >= domains.length,
    });
  }
}

function sendBacklog(
  session: LnmSession,
  backlog: Map<string, DomainFrame>,
): void {
  const domains = [...backlog.values()];
  backlog.clear();
  for (let from = 0; from < domains.length; from += DOMAINS_PER_FRAME) {
    const part = domains.slice(from, from + DOMAINS_PER_FRAME);
    session.sendReliable({ type: "report", domains: part });
  }
}

function parseDown(value: unknown): DownFrame | null {
  const parsed = DownFrame.safeParse(value);
  if (parsed.success) return parsed.data;
  const type = (value as { type?: unknown } | null)?.type;
  if (!DownFrame.options.some((option) => option.shape.type.value === type)) {
    return null;
  }
  throw new UsherError(
    "invalid_input",
    `Cannot read a frame "${String(type)}": ${parsed.error.issues[0]?.message}`,
  );
}

async function listen(
  parts: SessionParts,
  memory: SessionMemory,
  session: LnmSession,
  domains: readonly DomainFrame[],
  signal: AbortSignal,
): Promise<string> {
  let refusal: UsherError | null = null;
  for await (const frame of session.frames()) {
    if (frame.type === "bye") {
      if (frame.problem !== null) refusal = fromProblem(frame.problem);
      session.close(`the controller says: ${frame.reason}`);
    } else if (frame.type === "welcome") {
      begin(parts, memory, session, frame, domains);
    } else take(parts, memory, session, frame, signal);
  }
  if (refusal !== null) throw refusal;
  return String(session.ended.reason);
}

function begin(
  parts: SessionParts,
  memory: SessionMemory,
  session: LnmSession,
  welcome: Extract<DownFrame, { type: "welcome" }>,
  domains: readonly DomainFrame[],
): void {
  const kept = welcome.resumed ? memory.session : null;
  const { outbox, inbox } = kept ??
    { outbox: new Outbox<UpFrame>(), inbox: new Inbox() };
  outbox.acknowledge(kept === null ? 0 : welcome.seen);
  session.adopt(outbox, inbox);
  memory.session = { id: welcome.session, outbox, inbox };
  session.startHeartbeat(welcome.beatMs, Math.round(welcome.leaseMs * 0.8));
  // What was said before the list goes before it, what was heard since after
  // it: the controller believes what comes last.
  session.replay();
  sendDomains(session, domains);
  sendBacklog(session, parts.backlog);
  parts.onLive(session);
  parts.guards.began(welcome.leaseMs);
  // At once, so that what waits for a lease need not wait for the next beat.
  session.send(beatOf(parts));
  if (!welcome.resumed) parts.acts.orphanAll();
  parts.log.info("connected to the controller", {
    url: parts.uplink.url,
    resumed: welcome.resumed,
  });
}

function take(
  parts: SessionParts,
  memory: SessionMemory,
  session: LnmSession,
  frame: DownFrame,
  signal: AbortSignal,
): void {
  switch (frame.type) {
    case "act":
      void parts.acts.do(frame).then((answer) =>
        answerWith(parts, memory, answer)
      );
      return;
    case "ready":
      parts.guards.ask();
      return parts.onReady();
    case "lease":
      return parts.guards.leased(frame.at);
    case "release":
      return void parts.guards.release(frame.uids);
    case "abandon":
      return parts.acts.abandon(frame.id);
    case "sync":
      void parts.drivers.list(signal).then(({ domains }) =>
        sendDomains(session, domains)
      ).catch(() => {});
      return;
    case "console":
      void serveConsole(
        {
          driver: parts.drivers.get(frame.driver),
          uplink: parts.uplink,
          log: parts.log,
          fails: (result) => answerWith(parts, memory, result),
        },
        frame,
        signal,
      );
      return;
    case "welcome":
    case "beat":
    case "bye":
      return;
  }
}

/**
 * A result goes over the session that is up, or waits in the outbox for the
 * next. What it says of the domain is news even when nobody asks again.
 */
function answerWith(
  { live, backlog }: SessionParts,
  memory: SessionMemory,
  answer: Omit<Extract<UpFrame, { type: "result" }>, "type">,
): void {
  const frame: UpFrame = { type: "result", ...answer };
  if (live.session !== null) return live.session.sendReliable(frame);
  memory.session?.outbox.add(frame);
  const { domain } = answer;
  if (domain !== null) backlog.set(domainKey(domain), domain);
}
