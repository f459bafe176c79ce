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
import { Session } from "../../link/session.ts";
import {
  type DomainFrame,
  domainKey,
  type DownFrame,
  MAX_FRAME_BYTES,
  type UpFrame,
} from "../../schema/frame.ts";
import { heard, noteGuarded, releaseHeld } from "../nodes/guards.ts";
import type { NodeLink, NodeSession } from "../nodes/node_links.ts";
import { admitNode } from "./admit.ts";
import { refuseStranger, takeDomains, welcome } from "./arrival.ts";
import { noteClock } from "../nodes/node_clock.ts";
import type { NodeSessionParts } from "./session_parts.ts";
import { parseUp } from "./up_frame.ts";

/** How long a node may take to say who it is, and then each part of what it runs. */
export const HELLO_MS = 30_000;

/** Why sessions end when their controller does. */
export const CONTROLLER_ENDS = "the controller ends";

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
  // Also while something else is waited for, which may not end before the controller.
  session.ended.addEventListener("abort", () => timer[Symbol.dispose](), {
    once: true,
  });
  try {
    for await (const frame of session.frames()) {
      if (frame.type === "hello" || frame.type === "domains") {
        timer[Symbol.dispose]();
        if (!session.ended.aborted) timer = clock.after(parts.helloMs, late);
      }
      if (link === null) {
        if (frame.type !== "hello") {
          throw new UsherError(
            "invalid_input",
            `The first frame must be "hello", not "${frame.type}"`,
          );
        }
        refuseStranger(frame);
        const { name, secret } = frame;
        link = await admitNode(parts, { name, secret, address }, () =>
          // It may have gone meanwhile, and a newer one of the node be there.
          session.ended.aborted
            ? null
            : welcome(parts, session, frame, beatMs));
        if (link === null) return;
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
      if (frame.first) {
        link.vmUsage = new Map();
        link.certificateEnd = frame.certificateEnd ?? null;
      }
      for (const [uid, usage] of Object.entries(frame.vms)) {
        link.vmUsage.set(uid, usage);
      }
      return;
    case "drivers":
      return await parts.nodes.setDrivers(link.name, frame.drivers);
    case "beat":
      noteClock(parts, link, frame.now);
      return await heard(parts, link, frame.at);
    case "guarded":
      return await noteGuarded(parts, link, frame.domains);
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
