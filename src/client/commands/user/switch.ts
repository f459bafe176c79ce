/**
 * `usher user disable`, `usher user enable` and `usher user delete`.
 *
 * @module
 */
import { type Context, defineCommand } from "../../command.ts";

const words = {
  usage: "NAMES...",
  min: 1,
  max: Infinity,
  completes: "user",
} as const;

export const disable = defineCommand({
  about:
    "Let nobody in by accounts: their sessions, streams and consoles end at once, and their API tokens are good for nothing. Their VMs go on. The last administrator stays.",
  words,
  flags: {},
  examples: [["usher user disable ann", "she is out at once"]],
  run: (context, { words }) => each(context, words, "disableUser", "disabled"),
});

export const enable = defineCommand({
  about:
    "Let in by accounts again, with the password and the API tokens that they had.",
  words,
  flags: {},
  examples: [["usher user enable ann", "she may log in again"]],
  run: (context, { words }) => each(context, words, "enableUser", "enabled"),
});

export const remove = defineCommand({
  about:
    "Remove accounts that own no VMs, with their sessions and API tokens. The last administrator stays.",
  words,
  flags: {},
  examples: [["usher user delete ann", "once her VMs are destroyed"]],
  run: (context, { words }) => each(context, words, "deleteUser", "deleted"),
});

async function each(
  context: Context,
  names: readonly string[],
  route: "disableUser" | "enableUser" | "deleteUser",
  done: string,
): Promise<number> {
  const api = await context.api();
  for (const name of names) {
    await api.call(route, { params: { name } });
    context.io.stderr.write(`${done} ${name}\n`);
  }
  return 0;
}
