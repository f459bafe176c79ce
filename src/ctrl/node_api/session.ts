/**
 * The nodes' side of the controller: one session, from `hello` to its end.
 *
 * A session begins with who the node is and everything it runs; only then
 * are acts sent. A newer session of the same node replaces the older one,
 * since the older can only be a link that died unnoticed.
 *
 * @module
 */
import { messageOf, toProblem, UsherError } from "../../error/mod.ts";
import { Inbox, Outbox } from "../../link/outbox.ts";
import { Session } from "../../link/session.ts";
import {
  type DomainFrame,
  domainKey,
  type DownFrame,
  MAX_FRAME_BYTES,
  PROTOCOL,
  type UpFrame,
} from "../../schema/frame.ts";
import type { Admission } from "../auth/admission.ts";
import { hashToken } from "../auth/sessions.ts";
import type { CtrlContext } from "../context.ts";
import type { Domains } from "../nodes/domains.ts";
import { heard, noteGuarded, releaseHeld } from "../nodes/guards.ts";
import type { NodeLink, NodeLinks, NodeSession } from "../nodes/node_links.ts";
import { admitNode } from "./admit.ts";
import { parseUp } from "./up_frame.ts";
import type { Hello, Nodes } from "../nodes/nodes.ts";
import type { Runner } from "../operations/runner.ts";
import type { Records } from "../records/records.ts";

/** How long a node may take to say who it is, and then each part of what it runs. */
export const HELLO_MS = 30_000;

/** Why sessions end when their controller does. */
export const CONTROLLER_ENDS = "the controller ends";

/** The most domains that one node may have. */
const MAX_DOMAINS = 1_000_000;

/** What sessions work with. */
export interface NodeSessionParts {
  readonly context: CtrlContext;
  readonly records: Records;
  readonly links: NodeLinks;
  readonly admission: Admission;
  readonly nodes: Nodes;
  readonly domains: Domains;
  readonly runner: Runner;
  readonly leaseMs: number;
  /** How long a node may take to say who it is, and then each part of what it runs. */
  readonly helloMs: number;
}

/** Answers a node's `POST /v1/session`; the session runs until either side ends it. */
export function openSession(
  parts: NodeSessionParts,
  body: ReadableStream<Uint8Array>,
  address = "",
): NodeSession {
  const beatMs = Math.max(50, Math.round(parts.leaseMs / 5));
  const session: NodeSession = new Session<UpFrame, DownFrame>({
    clock: parts.context.clock,
    incoming: body,
    parse: parseUp,
    beat: () => ({ type: "beat" }),
    beatMs,
    deadMs: Math.round(parts.leaseMs * 0.8),
    maxFrameBytes: MAX_FRAME_BYTES,
  });
  session.startHeartbeat(beatMs, parts.helloMs);
  void serve(parts, session, { beatMs, address });
  return session;
}

async function serve(
  parts: NodeSessionParts,
  session: NodeSession,
  { beatMs, address }: { readonly beatMs: number; readonly address: string },
): Promise<void> {
  let link: NodeLink | null = null;
  const { clock, log } = parts.context;
  // Beats and frames of unknown types do not count: they could go on for ever.
  const late = () => refuse(session, tooLate(parts.helloMs));
  let timer = clock.after(parts.helloMs, late);
  try {
    for await (const frame of session.frames()) {
      if (frame.type === "hello" || frame.type === "domains") {
        timer[Symbol.dispose]();
        timer = clock.after(parts.helloMs, late);
      }
      if (link === null) {
        if (frame.type !== "hello") {
          throw new UsherError(
            "invalid_input",
            `The first frame must be "hello", not "${frame.type}"`,
          );
        }
        refuseStranger(frame);
        await admitNode(parts, { ...frame, address });
        // It may have gone meanwhile, and a newer one of the node be there.
        if (session.ended.aborted) return;
        link = welcome(parts, session, frame, beatMs);
        continue;
      }
      await take(parts, link, frame);
      if (link.synced && link.session === session) timer[Symbol.dispose]();
      if (frame.type === "bye") session.close(`the node says: ${frame.reason}`);
    }
  } catch (error) {
    log.warn("a node's session failed", {
      node: link?.name,
      error: messageOf(error),
    });
    refuse(session, error);
  } finally {
    timer[Symbol.dispose]();
    session.close("the session is over");
    if (link !== null) await left(parts, link, session);
  }
}

/** Says why, and ends the session. */
function refuse(session: NodeSession, error: unknown): void {
  const reason = messageOf(error);
  session.send({ type: "bye", reason, problem: toProblem(error) });
  session.close(reason);
}

function tooLate(ms: number): UsherError {
  return new UsherError(
    "timed_out",
    `The node did not say who it is and what it runs within ${ms / 1000} s`,
  );
}

/** Throws when the node speaks otherwise than is understood here, or has more than anyone. */
function refuseStranger({ name, protocol, domainCount }: Hello): void {
  if (Math.abs(protocol - PROTOCOL) > 1) {
    throw new UsherError(
      "unsupported",
      `Node "${name}" speaks protocol ${protocol}, this controller ${PROTOCOL}`,
      { hint: "update the older of the two", subject: name },
    );
  }
  if (domainCount > MAX_DOMAINS) {
    throw new UsherError(
      "invalid_input",
      `Node "${name}" has ${domainCount} domains; ${MAX_DOMAINS} at most are taken`,
      { subject: name },
    );
  }
}

/** Throws when another machine has a session under this name that lives. */
function refuseTwin(link: NodeLink, hello: Hello, beatMs: number): void {
  const { session } = link;
  if (session === null || link.bootId === hello.bootId) return;
  if (session.silentMs > 2 * beatMs) return;
  throw new UsherError(
    "already_exists",
    `Node "${hello.name}" is connected from another machine`,
    {
      hint:
        "end one of the two; if this machine is a copy, remove its state and join it under a name of its own",
      subject: hello.name,
    },
  );
}

function welcome(
  parts: NodeSessionParts,
  session: NodeSession,
  hello: Hello,
  beatMs: number,
): NodeLink {
  const link = parts.links.link(hello.name);
  refuseTwin(link, hello, beatMs);
  if (link.session !== null) {
    const older = link.session;
    link.session = null;
    older.send({
      type: "bye",
      reason: "a newer session of this node replaces this one",
      problem: null,
    });
    older.close("replaced by a newer session");
  }
  const resumed = hello.resume !== null &&
    hello.resume.session === link.sessionId && link.outbox.complete;
  if (resumed) link.outbox.acknowledge(hello.resume?.seen ?? 0);
  else {
    link.interruptAll("its session was not resumed");
    link.outbox = new Outbox();
    link.inbox = new Inbox();
  }
  session.adopt(link.outbox, link.inbox);
  link.sessionId = parts.context.newId();
  link.session = session;
  link.bootId = hello.bootId;
  link.secretHash = hashToken(hello.secret);
  link.synced = false;
  link.silentSince = null;
  link.heardAt = parts.context.clock.monotonic();
  pending.set(link, { hello, domains: [] });
  session.send({
    type: "welcome",
    session: link.sessionId,
    resumed,
    seen: link.inbox.seen,
    beatMs,
    leaseMs: parts.leaseMs,
  });
  session.startHeartbeat();
  if (resumed) session.replay();
  parts.context.log.info("a node is connected", {
    node: hello.name,
    resumed,
    domains: hello.domainCount,
  });
  return link;
}

/** Domains of a `hello` that is still arriving. */
const pending = new WeakMap<
  NodeLink,
  { hello: Hello; domains: DomainFrame[] }
>();

async function take(
  parts: NodeSessionParts,
  link: NodeLink,
  frame: UpFrame,
): Promise<void> {
  switch (frame.type) {
    case "domains":
      return await takeDomains(parts, link, frame.domains, frame.last);
    case "report":
      return note(parts, link, frame.domains);
    case "result":
      return takeResult(parts, link, frame);
    case "progress":
      return link.progress(frame.id, frame.progress);
    case "usage":
      link.usage = frame.node;
      if (frame.first) link.vmUsage = new Map();
      for (const [uid, usage] of Object.entries(frame.vms)) {
        link.vmUsage.set(uid, usage);
      }
      return;
    case "drivers":
      return await parts.nodes.setDrivers(link.name, frame.drivers);
    case "beat":
      return heard(parts, link, frame.at);
    case "guarded":
      return await noteGuarded(parts, link.name, frame.domains);
    case "held":
      return releaseHeld(parts, link, frame.domains);
    case "hello":
      throw new UsherError("invalid_input", 'A session has one "hello" only');
    case "bye":
      return;
  }
}

/** What the act's operation writes, or, when nobody waits for it any more, a report. */
function takeResult(
  parts: NodeSessionParts,
  link: NodeLink,
  frame: Extract<UpFrame, { type: "result" }>,
): void {
  const { domain } = frame;
  const isAsked = link.answer(frame);
  if (domain === null) return;
  if (!isAsked) return note(parts, link, [domain]);
  // A report that still waits to be written is older: it must not come after.
  const key = domainKey(domain);
  if (link.unnoted.has(key)) link.unnoted.set(key, domain);
}

/**
 * Not waited for: the store keeps the order, and one write serves many
 * reports. What cannot be written is kept for the node watch.
 */
function note(
  parts: NodeSessionParts,
  link: NodeLink,
  domains: readonly DomainFrame[],
): void {
  for (const domain of domains) link.hear(domain);
  parts.domains.report(link.name, domains).then(() => {
    link.noted(domains);
  }, (error) => {
    parts.context.log.error("could not note a report; it is tried again", {
      node: link.name,
      error: messageOf(error),
    });
  });
}

async function takeDomains(
  parts: NodeSessionParts,
  link: NodeLink,
  domains: readonly DomainFrame[],
  last: boolean,
): Promise<void> {
  const arriving = pending.get(link);
  if (arriving === undefined) return;
  arriving.domains.push(...domains);
  const { domainCount, name } = arriving.hello;
  if (arriving.domains.length > domainCount) {
    throw new UsherError(
      "invalid_input",
      `Node "${name}" has more domains than the ${domainCount} it told of`,
    );
  }
  if (!last) return;
  pending.delete(link);
  link.unnoted.clear();
  // Newer than what acts answered before, also when it cannot be written now.
  for (const domain of arriving.domains) link.hear(domain);
  // Its VMs name it, so it has a record before they do.
  if (!parts.nodes.isKnown(link.name)) {
    await parts.nodes.describe(arriving.hello, "silent");
  }
  const known = await parts.domains.sync(
    link.name,
    arriving.domains,
    parts.nodes.rebootOf(arriving.hello),
  );
  link.noted(arriving.domains);
  for (const uid of known) parts.runner.settled(uid);
  await parts.nodes.describe(arriving.hello, "ready");
  link.synced = true;
  link.session?.send({ type: "ready" });
  link.wake();
}

async function left(
  parts: NodeSessionParts,
  link: NodeLink,
  session: NodeSession,
): Promise<void> {
  if (link.session !== session) return;
  link.session = null;
  link.synced = false;
  link.silentSince = parts.context.clock.monotonic();
  const reason = String(session.ended.reason);
  // What this controller does on purpose warns nobody.
  const level = reason === CONTROLLER_ENDS ? "info" : "warn";
  parts.context.log[level]("a node's session ended", {
    node: link.name,
    reason,
  });
  try {
    await parts.nodes.setState(link.name, "silent");
  } catch (error) {
    parts.context.log.error("could not note that a node is silent", {
      node: link.name,
      error: messageOf(error),
    });
  }
}
