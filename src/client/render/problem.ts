/**
 * Errors for people, in three parts: what happened, why, and what to do.
 *
 * @module
 */
import type { ErrorCode, Problem } from "../../schema/problem.ts";
import { printable } from "./table.ts";

/** What an error shows. */
export interface Shown {
  readonly message: string;
  readonly why?: string | undefined;
  /** Lines below it: per node or kind of nodes, what is in the way. */
  readonly reasons?: readonly string[] | undefined;
  readonly hint?: string | undefined;
}

/** What to do about a code, when whoever refused does not say. */
const DEFAULT_HINTS: Readonly<Record<ErrorCode, string>> = {
  invalid_input: "--help behind the command shows what it takes",
  unauthenticated: "log in: usher login URL",
  permission_denied: "usher whoami shows who you are and what you may",
  not_found:
    "the list command of its noun (usher vm list) shows what there is, and what you may see",
  already_exists: "take another name, or go on with the one that is there",
  wrong_state: "usher vm show NAME tells its state and why it is in it",
  stale: "read it again, then ask again",
  busy: "wait for it (usher op attach ID), or leave out --no-queue",
  insufficient_resources:
    "usher node list shows what is free; ask for less, or add a node",
  unsupported: "usher node show NODE tells what its drivers can do",
  unavailable: "usher node list shows which nodes are there; try again",
  interrupted: "look what became of it before you try again",
  cancelled: "usher op show ID tells by whom; ask again if it is still wanted",
  driver_failed:
    "usher op show ID has the steps; the log of the node's usher lnm says more",
  refused: "the plugin that refused says why; ask who administers the site",
  plugin_failed:
    "an administrator sees why with usher plugin show and usher plugin logs",
  internal: "this is a fault of usher; the controller's log says more",
  too_many_requests: "wait a minute, then try again",
  quota_exceeded:
    "free some of what counts, or ask an administrator for a larger quota",
  timed_out:
    "usher op list shows whether it still goes on; look before you try again",
};

type ShownProblem = Pick<
  Problem,
  "code" | "detail" | "hint" | "refusals" | "refusedBy" | "field"
>;

/** The parts of a problem. */
export function shownProblem(problem: ShownProblem): Shown {
  const { code, detail, field } = problem;
  const { what, why } = splitMessage(detail);
  return {
    message: what,
    why: whyOf(why, field === undefined || detail.includes(field) ? "" : field),
    reasons: reasonsOf(problem),
    hint: newHint(problem) ?? DEFAULT_HINTS[code],
  };
}

/** Node by node; nodes that are not told one by one are counted. */
function reasonsOf({ refusals = {}, refusedBy }: ShownProblem): string[] {
  if (refusedBy === undefined) {
    return Object.entries(refusals).map(([node, why]) => `${node}: ${why}`);
  }
  return refusedBy.flatMap(({ filter, nodes, nearest }) => {
    const told = nearest.map(({ node, why, change }) =>
      change === "" ? `${node}: ${why}` : `${node}: ${why}; ${change}`
    );
    return nodes === nearest.length ? told : [
      `${nodes} nodes, by ${filter}, such as`,
      ...told.map((it) => `  ${it}`),
    ];
  });
}

/** The reason with its place; a place alone says something when it is deep. */
function whyOf(why: string | undefined, field: string): string | undefined {
  if (field === "") return why;
  if (why !== undefined) return `${field}: ${why}`;
  return field.includes(".") ? `in ${field}` : undefined;
}

/** The hint, unless it only says the refusals again. */
function newHint({ hint, refusals = {} }: ShownProblem): string | undefined {
  const isKnown = Object.values(refusals).some((text) => hint?.includes(text));
  return isKnown ? undefined : hint;
}

/** `web.yaml:2:1: `, as a mistake in a file begins. */
const PLACE_IN_FILE = /^[^"]*?:\d+:\d+: /;

/** Cuts a message at its first `: ` outside of quotes, after a place in a file. */
export function splitMessage(
  message: string,
): { what: string; why: string | undefined } {
  let quoted = false;
  const from = PLACE_IN_FILE.exec(message)?.[0].length ?? 0;
  for (let i = from; i < message.length; i++) {
    if (message[i] === '"') quoted = !quoted;
    if (!quoted && message.startsWith(": ", i)) {
      return { what: message.slice(0, i), why: message.slice(i + 2) };
    }
  }
  return { what: message, why: undefined };
}

/** What a problem says to programs, for those who want to see all of it. */
export function detailsOf(
  { code, retry, outcome, field, subject, holder }: Problem,
): string {
  const facts = [
    ["code", code],
    ["retry", retry],
    ["outcome", outcome],
    ["field", field],
    ["subject", subject],
    ["holder", holder],
  ].filter(([, value]) => value !== undefined);
  return `  all: ${
    printable(facts.map(([name, value]) => `${name} ${value}`).join(", "))
  }\n`;
}

/** The lines that show an error. */
export function renderError(
  { message, why, reasons = [], hint }: Shown,
  color: boolean,
): string {
  const mark = color ? "\x1b[31merror:\x1b[0m" : "error:";
  const lines = [`${mark} ${printable(message)}`];
  if (why !== undefined) lines.push(`  why: ${printable(why)}`);
  for (const reason of reasons) lines.push(`       ${printable(reason)}`);
  if (hint !== undefined) lines.push(`  try: ${printable(hint)}`);
  return lines.map((line) => `${line}\n`).join("");
}
