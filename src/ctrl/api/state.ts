/**
 * `GET /v1/state`: everything that the controller keeps, as of one moment.
 *
 * Hashes of passwords and tokens are among it, so an administrator's login is
 * not enough: only the token that lies in the state directory opens it.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { StateLine } from "../../schema/stored.ts";
import type { Caller } from "../auth/caller.ts";
import { isoNow } from "../context.ts";
import type { Site } from "../site.ts";

/** The lines of the state. Throws `permission_denied`. */
export function stateLines(
  site: Site,
  caller: Caller,
): AsyncGenerator<StateLine> {
  if (site.accounts.isOwner(caller)) return lines(site);
  throw new UsherError(
    "permission_denied",
    "Only the owner of the state directory may read the whole state",
    { hint: "on the controller's machine: usher ctrl backup FILE" },
  );
}

async function* lines(site: Site): AsyncGenerator<StateLine> {
  const { records, version, context } = site;
  yield { type: "head", version, epoch: records.epoch, at: isoNow(context) };
  let count = 0;
  for await (const mutation of records.snapshot()) {
    count++;
    yield mutation.type === "set"
      ? { ...mutation, key: [...mutation.key] }
      : { ...mutation, key: [...mutation.key] };
  }
  yield { type: "end", lines: count };
}
