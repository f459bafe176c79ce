/**
 * The one issue of a failed parse that a person should hear of.
 *
 * A union fails with the issues of all its branches; the branch that was
 * meant is the one that got furthest, and among equals the one whose message
 * somebody wrote.
 *
 * @module
 */

/** As much of zod's issues as is needed here. */
export interface Issue {
  readonly code?: string | undefined;
  readonly message: string;
  readonly path: readonly PropertyKey[];
  readonly keys?: readonly string[];
  /** What would be right, of a choice. */
  readonly values?: readonly unknown[];
  readonly errors?: readonly (readonly Issue[])[];
}

/** The issue within unions that is meant, with its whole path. */
export function meantIssue(issue: Issue | undefined): Issue | undefined {
  if (
    issue?.code !== "invalid_union" || issue.errors === undefined ||
    issue.errors.length === 0
  ) return issue;
  const branches = issue.errors.map((errors) => meantIssue(errors[0])).filter((
    one,
  ) => one !== undefined);
  const [best] = branches.toSorted((a, b) => weight(b) - weight(a));
  return best === undefined
    ? issue
    : { ...best, path: [...issue.path, ...best.path] };
}

function weight({ path, code }: Issue): number {
  return path.length * 2 + (code === "custom" ? 1 : 0);
}
