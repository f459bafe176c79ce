/**
 * The problems of many things at once: the first ones in full, and how many
 * there are besides, so that a request for thousands does not fill the screen.
 *
 * @module
 */
import type { Problem } from "../../schema/problem.ts";
import type { Context } from "../command.ts";
import { wantsColor } from "../io.ts";
import { detailsOf, renderError, shownProblem } from "./problem.ts";

/** The most failures that are told one by one. */
const MAX_FAILURES = 20;

/** Shows the first problems one by one; answers how many there are besides. */
export function showProblems(
  { io }: Context,
  outcomes: readonly { readonly problem: Problem | null }[],
): number {
  const problems = outcomes.map(({ problem }) => problem)
    .filter((problem) => problem !== null);
  const color = wantsColor(io, io.stderr);
  for (const problem of problems.slice(0, MAX_FAILURES)) {
    io.stderr.write(renderError(shownProblem(problem), color));
    if (io.env("USHER_DEBUG")) io.stderr.write(detailsOf(problem));
  }
  return Math.max(0, problems.length - MAX_FAILURES);
}
