/**
 * Certificates that are about to end: said 30 days ahead, to everybody who
 * calls, and in the log once a day.
 *
 * One that usher renews by itself, a node's among them, is told of only when
 * that must have failed, which is when it has not been renewed a day after it
 * was due.
 *
 * @module
 */
import type { Notice } from "../../schema/notice.ts";
import { isoTime } from "../../sys/clock.ts";
import type { CtrlContext } from "../context.ts";
import type { NodeLinks } from "../nodes/node_links.ts";
import type { Trust } from "./site_trust.ts";

const DAY_MS = 86_400_000;

/** How long ahead it is said. */
export const AHEAD_MS = 30 * DAY_MS;

/** Ends do not move within so short a time. */
const KEPT_MS = 60_000;

/** What is looked at. */
type Shown = Pick<
  Trust,
  | "leaf"
  | "caNotAfter"
  | "caFingerprint"
  | "peerCaNotAfter"
  | "renewsItself"
>;

/** A certificate by which other nodes know one. */
export interface NodeCertificate {
  readonly node: string;
  /** In milliseconds since 1970. */
  readonly notAfter: number;
}

/** So many nodes are named. */
const NAMED = 3;

/** What there is to say of a controller's certificates at `now`, and of those of its nodes. */
export function certificateNotices(
  trust: Shown,
  nodes: readonly NodeCertificate[],
  now: number,
): Notice[] {
  const notices: Notice[] = [];
  const { renewsItself, caNotAfter, caFingerprint } = trust;
  if (caNotAfter - now <= AHEAD_MS) {
    notices.push({
      about: "certificate",
      text: `The site's CA (SHA-256 ${caFingerprint}) ${
        whenOf(caNotAfter, now)
      }`,
      hint: renewsItself
        ? "an administrator moves ca-key.pem out of the controller's tls directory and starts it again, which makes a new CA; then every client logs in and every node joins anew"
        : "an administrator puts a new CA and a certificate of it into the files that tls in ctrl.yaml names; then every client logs in and every node joins anew",
    });
  }
  const { notAfter } = trust.leaf();
  // It ends with its CA at the latest, of which that was said already.
  const isCas = renewsItself && notAfter >= caNotAfter;
  const ahead = renewsItself ? AHEAD_MS - DAY_MS : AHEAD_MS;
  if (!isCas && notAfter - now <= ahead) {
    notices.push({
      about: "certificate",
      text: `The controller's certificate ${whenOf(notAfter, now)}`,
      hint: renewsItself
        ? "it should have been renewed: the controller's log says why it was not"
        : "an administrator puts a new one into the files that tls in ctrl.yaml names; the controller takes it within the hour",
    });
  }
  const peerEnd = trust.peerCaNotAfter();
  if (peerEnd !== null && peerEnd - now <= AHEAD_MS) {
    notices.push({
      about: "certificate",
      text: `The CA that nodes know each other by ${whenOf(peerEnd, now)}`,
      hint:
        "an administrator moves peer-ca-key.pem out of the controller's tls directory and starts it again, which makes a new one, and removes the folder peer in each node's state directory; until both ends of a move have done so, no VM moves between them",
    });
  }
  // Those end with what signs them at the latest, too.
  const signerEnd = renewsItself ? caNotAfter : peerEnd ?? Infinity;
  const ending = nodes.filter(({ notAfter }) =>
    notAfter - now <= AHEAD_MS - DAY_MS && notAfter < signerEnd
  );
  if (ending.length > 0) notices.push(ofNodes(ending, now));
  return notices;
}

function ofNodes(ending: readonly NodeCertificate[], now: number): Notice {
  const names = ending.map(({ node }) => node).toSorted();
  const more = names.length > NAMED ? ", …" : "";
  const first = Math.min(...ending.map(({ notAfter }) => notAfter));
  const what = names.length === 1
    ? `The certificate that other nodes know node "${names[0]}" by`
    : `Of the certificates that ${names.length} nodes (${
      names.slice(0, NAMED).join(", ")
    }${more}) know each other by, the first`;
  return {
    about: "certificate",
    text: `${what} ${whenOf(first, now)}`,
    hint:
      "it should have been renewed: that node's log says why it was not; once it has ended, no VM moves to it or from it",
  };
}

/** Those of the nodes that are connected; of another's nobody knows. */
function nodeCertificates(links: NodeLinks): NodeCertificate[] {
  return [...links.all()].flatMap(({ name, session, certificateEnd }) =>
    session === null || certificateEnd === null
      ? []
      : [{ node: name, notAfter: certificateEnd }]
  );
}

function whenOf(end: number, now: number): string {
  if (end <= now) return `has expired: it ended at ${isoTime(end)}`;
  const days = Math.floor((end - now) / DAY_MS);
  const left = days === 0
    ? "within a day"
    : `in ${days} day${days === 1 ? "" : "s"}`;
  return `ends ${left}, at ${isoTime(end)}`;
}

/** Notices that are asked for with every answer, and said in the log once a day. */
export class Notices {
  readonly #context: CtrlContext;
  readonly #trust: Shown;
  readonly #links: NodeLinks;
  #kept: readonly Notice[] = [];
  #keptUntil = -Infinity;
  #saidAt = -Infinity;

  constructor(context: CtrlContext, trust: Shown, links: NodeLinks) {
    this.#context = context;
    this.#trust = trust;
    this.#links = links;
  }

  /** What there is to say now. */
  now(): readonly Notice[] {
    const { clock } = this.#context;
    const monotonic = clock.monotonic();
    if (monotonic >= this.#keptUntil) {
      this.#kept = this.#look();
      this.#keptUntil = monotonic + KEPT_MS;
    }
    return this.#kept;
  }

  #look(): Notice[] {
    return certificateNotices(
      this.#trust,
      nodeCertificates(this.#links),
      this.#context.clock.now(),
    );
  }

  /** Says it in the log, if that was not done within a day. */
  say(): void {
    const { clock, log } = this.#context;
    const notices = this.#look();
    const monotonic = clock.monotonic();
    if (notices.length === 0 || monotonic - this.#saidAt < DAY_MS) return;
    this.#saidAt = monotonic;
    for (const { text, hint } of notices) log.warn(text, { hint });
  }
}
