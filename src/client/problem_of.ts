/**
 * The problem in an answer that is none of what was asked for: the controller's
 * own words, or what is to be said of a server that speaks HTTP and is no
 * controller.
 *
 * @module
 */
import type { Problem } from "../schema/problem.ts";

/** The problem in an answer, or one made up for what is not usher's. */
export async function problemOf(
  controller: string,
  response: Response,
): Promise<Problem> {
  const body = await response.text().catch(() => "");
  try {
    const problem = JSON.parse(body);
    if (
      typeof problem.code === "string" && typeof problem.detail === "string"
    ) return problem;
  } catch {
    // Not JSON: a proxy, or no controller at all. Told below.
  }
  return notOurs(controller, response.status);
}

/** The problem of a server that speaks HTTP, and not ours. */
export function notOurs(controller: string, status: number): Problem {
  return {
    type: "about:blank",
    title: "Unexpected answer",
    status,
    detail: `Cannot understand ${controller}: it answered ${status} without ${
      status < 300 ? "what was asked for" : "a reason"
    }`,
    code: "unavailable",
    retry: "no",
    outcome: "unknown",
    hint:
      "check that this is the address of a controller, not of its nodes' listener or a proxy",
  };
}
