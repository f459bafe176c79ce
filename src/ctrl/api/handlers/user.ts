/**
 * Accounts and API tokens, as routes.
 *
 * @module
 */
import type { USER_ROUTES } from "../../../schema/route/user.ts";
import { type Handler, json } from "../handler.ts";
import {
  createToken,
  createUser,
  deleteUser,
  listTokens,
  listUsers,
  revokeToken,
  setDisabled,
  setPassword,
  setRole,
  showUser,
} from "../users.ts";

/** Handlers of accounts and of tokens. */
export const USER_HANDLERS: Readonly<
  Record<keyof typeof USER_ROUTES, Handler>
> = {
  users: ({ site }) => json({ users: listUsers(site) }),
  user: ({ site, caller, param }) =>
    json(showUser(site, caller, param("name"))),
  createUser: async (call) => json(await createUser(call)),
  setRole: async (call) => json(await setRole(call)),
  setPassword: async (call) => json(await setPassword(call)),
  disableUser: async (call) => json(await setDisabled(call, true)),
  enableUser: async (call) => json(await setDisabled(call, false)),
  deleteUser: async (call) => {
    await deleteUser(call);
    return json({});
  },
  tokens: ({ site, caller, url }) =>
    json({ tokens: listTokens(site, caller, url.searchParams.get("user")) }),
  createToken: async (call) => json(await createToken(call)),
  revokeToken: async ({ site, caller, url, param }) =>
    json(
      await revokeToken(
        site,
        caller,
        param("id"),
        url.searchParams.get("user") ?? caller.user,
      ),
    ),
};
