/**
 * What a handler says of a login, without the password that it was given: a
 * handler's error reaches logs, statistics and other people.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { Credentials } from "../../schema/event_value.ts";

const HIDDEN = "(hidden)";

/** `error` without the secrets that `args` carry. */
export function withoutSecrets(
  error: UsherError,
  args: readonly unknown[],
): UsherError {
  const credentials = Credentials.safeParse(args[0]);
  const secret = credentials.success ? credentials.data.password : "";
  if (secret === "") return error;
  const { code, message, details: { hint, subject, field } } = error;
  return new UsherError(code, message.replaceAll(secret, HIDDEN), {
    hint: hint?.replaceAll(secret, HIDDEN),
    subject,
    field,
  });
}
