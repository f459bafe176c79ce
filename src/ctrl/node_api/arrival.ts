/**
 * How a node arrives: it says who it is, takes the place of its older session,
 * and tells of everything that it runs, part by part, before any act is sent.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { Inbox, Outbox } from "../../link/outbox.ts";
import { type DomainFrame, PROTOCOL } from "../../schema/frame.ts";
import { hashToken } from "../auth/sessions.ts";
import type { NodeLink, NodeSession } from "../nodes/node_links.ts";
import type { Hello } from "../nodes/nodes.ts";
import type { NodeSessionParts } from "./session_parts.ts";

/** The most domains that one node may have. */
const MAX_DOMAINS = 1_000_000;

/** Throws when the node speaks otherwise than is understood here, or has more than anyone. */
export function refuseStranger({ name, protocol, domainCount }: Hello): void {
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

/**
 * Makes `session` the one of its node, in place of an older one; frames that
 * the older one left unanswered are sent again when it is gone on with.
 */
export function welcome(
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
  link.lateRuns = new Map();
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

/**
 * Takes in a part of what the node runs; with the last one all of it is known,
 * and acts may be sent.
 */
export async function takeDomains(
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
  const known = await parts.domains.sync(link.name, arriving.domains, {
    why: parts.nodes.rebootOf(arriving.hello),
    unlisted: arriving.hello.unlisted,
  });
  link.noted(arriving.domains);
  for (const uid of known) parts.runner.settled(uid);
  await parts.nodes.describe(arriving.hello, "ready");
  link.synced = true;
  link.session?.send({ type: "ready" });
  link.wake();
}
