/**
 * Accounts, sessions and API tokens as clients see and ask for them: never with
 * a secret in them, but for the one answer that tells a new token.
 *
 * @module
 */
import { z } from "zod";
import { FOUND_OWNER, UserName } from "./name.ts";
import { DurationMs } from "./quantity.ts";
import { Role } from "./stored.ts";
import { TokenScope } from "./token_scope.ts";

/** The fewest characters that a new password may have, and the most. */
export const PASSWORD_LENGTH = { min: 10, max: 1024 } as const;

/** A password that is set. Older ones may be shorter. */
const NewPassword = z.string().min(
  PASSWORD_LENGTH.min,
  `must have ${PASSWORD_LENGTH.min} characters at least`,
).max(
  PASSWORD_LENGTH.max,
  `must have ${PASSWORD_LENGTH.max} characters at most`,
);

/** An account. */
export const UserView = z.object({
  name: z.string(),
  role: Role,
  disabled: z.boolean(),
  createdAt: z.string(),
  /** VMs that it owns. */
  vms: z.int(),
  /** Sessions that go on. */
  sessions: z.int(),
  tokens: z.int(),
});
/** An account. */
export type UserView = z.infer<typeof UserView>;

/** A new account. */
export const CreateUserRequest = z.strictObject({
  name: UserName.refine(
    (name) => name !== FOUND_OWNER,
    `"${FOUND_OWNER}" owns what is found on nodes, and nobody can be called so`,
  ),
  role: Role.default("user"),
  password: NewPassword,
});
/** Another role for an account. */
export const SetRoleRequest = z.strictObject({ role: Role });
/** Another password; who sets their own says the old one. */
export const SetPasswordRequest = z.strictObject({
  password: NewPassword,
  /** Called so, too, that whatever hides secrets by their names hides it. */
  oldPassword: z.string().max(PASSWORD_LENGTH.max).optional(),
});

/** A session: somebody who has logged in. */
export const SessionView = z.object({
  /** Names it, and opens nothing. */
  id: z.string(),
  user: z.string(),
  role: Role,
  /** Whether a directory let them in, and no account here stands behind it. */
  directory: z.boolean(),
  address: z.string(),
  createdAt: z.string(),
  expiresAt: z.string(),
  /** Whether a request or stream of it goes on, or did in the last minute. */
  connected: z.boolean(),
  /** Whether it is the one that asks. */
  current: z.boolean(),
});
/** A session: somebody who has logged in. */
export type SessionView = z.infer<typeof SessionView>;

/** An API token, without what it is called with. */
export const TokenView = z.object({
  id: z.string(),
  user: z.string(),
  name: z.string(),
  scope: TokenScope,
  createdAt: z.string(),
  expiresAt: z.string().nullable(),
  /** To the minute; null before the first time. */
  lastUsedAt: z.string().nullable(),
});
/** An API token, without what it is called with. */
export type TokenView = z.infer<typeof TokenView>;

/** A new API token. */
export const CreateTokenRequest = z.strictObject({
  name: z.string().regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    "must begin with a letter or digit and have letters, digits, dots, _ and -, 64 at most",
  ),
  /** Whose; another's are an administrator's to make. */
  user: UserName.optional(),
  scope: TokenScope,
  /** How long it is good for; for ever when null. */
  ttlMs: DurationMs.nullable().default(90 * 86_400_000),
});
/** A new API token; what it is called with is told only here. */
export const CreateTokenAnswer = z.object({
  token: z.string(),
  ...TokenView.shape,
});
