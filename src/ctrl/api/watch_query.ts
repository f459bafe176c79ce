/**
 * What a watcher asks for, read from the address of its request.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { ChangeKind } from "../../schema/change.ts";

/** What a watcher asks for. */
export interface WatchQuery {
  readonly since: number | null;
  readonly kinds: ReadonlySet<ChangeKind>;
  readonly snapshot: boolean;
}

/** Reads the query of a watch. Throws `invalid_input`. */
export function watchQuery(url: URL): WatchQuery {
  const since = url.searchParams.get("since");
  if (since !== null && !/^\d{1,15}$/.test(since)) {
    throw new UsherError(
      "invalid_input",
      `Cannot watch since "${since}": it is no revision`,
      {
        field: "since",
      },
    );
  }
  const named =
    url.searchParams.get("kinds")?.split(",").filter((kind) => kind !== "") ??
      ChangeKind.options;
  return {
    since: since === null ? null : Number(since),
    kinds: new Set(named.map(readKind)),
    snapshot: url.searchParams.get("snapshot") !== "0",
  };
}

function readKind(kind: string): ChangeKind {
  const read = ChangeKind.safeParse(kind);
  if (read.success) return read.data;
  throw new UsherError(
    "invalid_input",
    `Cannot watch "${kind}": it is none of ${ChangeKind.options.join(", ")}`,
    { field: "kinds" },
  );
}
