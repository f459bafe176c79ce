/**
 * Sessions as clients see them: one's own, and all of them for administrators.
 *
 * A session is named by the beginning of the hash of its token, which names it
 * and opens nothing.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { SessionView } from "../../schema/account.ts";
import type { SessionRecord } from "../../schema/stored.ts";
import type { Caller } from "../auth/caller.ts";
import type { Site } from "../site.ts";

const ID_LENGTH = 16;

/** The sessions that `caller` may see, of `user` alone when one is named. */
export function listSessions(
  site: Site,
  caller: Caller,
  user: string | null,
): SessionView[] {
  return seen(site, caller).filter((one) => user === null || one.user === user)
    .map((one) => sessionView(site, caller, one));
}

/** Ends a session that `caller` may see; answers what it was. Throws `not_found`. */
export async function endSession(
  site: Site,
  caller: Caller,
  id: string,
): Promise<SessionView> {
  const found = id.length < 4
    ? []
    : seen(site, caller).filter(({ hash }) => hash.startsWith(id));
  const [session] = found;
  if (session === undefined || found.length > 1) {
    throw new UsherError(
      "not_found",
      found.length > 1
        ? `"${id}" could be ${found.length} sessions`
        : `There is no session "${id}"`,
      { subject: id, hint: 'see what there is with "usher session list"' },
    );
  }
  const view = sessionView(site, caller, session);
  await site.accounts.sessions.end({ session: session.hash });
  return view;
}

function seen({ accounts }: Site, { user, role }: Caller): SessionRecord[] {
  return [...accounts.sessions.list()].filter((session) =>
    role === "admin" || session.user === user
  );
}

function sessionView(
  { accounts, connections }: Site,
  caller: Caller,
  { hash, user, role, address, createdAt, expiresAt }: SessionRecord,
): SessionView {
  const account = accounts.users.find(user);
  return {
    id: hash.slice(0, ID_LENGTH),
    user,
    role: role ?? account?.role ?? "user",
    directory: role !== null,
    address,
    createdAt,
    expiresAt,
    connected: connections.has(hash),
    current: hash === caller.session,
  };
}
