/**
 * `usher user passwd`.
 *
 * @module
 */
import { askSecret, askSecrets, LineReader } from "../../ask.ts";
import { defineCommand, type FlagValues, text } from "../../command.ts";
import type { Io } from "../../io.ts";
import {
  alike,
  findNewPassword,
  lineFrom,
  newQuestions,
  PASSWORD_FLAGS,
  secretFromFile,
} from "../../password.ts";
import { UsageError } from "../../usage.ts";

const FLAGS = {
  "old-password-file": text("FILE", "read the old password from a file", {
    completes: "file",
  }),
  ...PASSWORD_FLAGS,
} as const;

type Flags = FlagValues<typeof FLAGS>;

export const passwd = defineCommand({
  about:
    "Change a password: your own, with the old one, or as an administrator anybody's. All sessions of the account end, but the one that asks; its API tokens stay. With --password-stdin the old one is the first line, and the new one the second.",
  words: { usage: "[NAME]", min: 0, max: 1, completes: "user" },
  flags: FLAGS,
  examples: [
    ["usher user passwd", "your own, on a terminal"],
    ["usher user passwd ann --password-file pw", "as an administrator"],
  ],
  async run(context, { words: [named], flags }) {
    const { io } = context;
    const api = await context.api();
    const { user } = await api.call("whoami");
    const name = named ?? user;
    // Whoever owns the state of the controller may have forgotten theirs, and
    // calls with the token that lies beside it.
    const isOwn = name === user && !io.env("USHER_TOKEN");
    const { old, password } = isOwn
      ? await both(io, flags, name)
      : { old: undefined, password: await findNewPassword(io, flags, name) };
    await api.call("setPassword", {
      params: { name },
      body: { password, ...(old === undefined ? {} : { oldPassword: old }) },
    });
    io.stderr.write(`changed the password of ${name}; other sessions ended\n`);
    return 0;
  },
});

/** The old password and the new one. */
async function both(io: Io, flags: Flags, name: string) {
  const { "old-password-file": oldFile, "password-stdin": isPiped } = flags;
  if (oldFile !== undefined) {
    const old = await secretFromFile(oldFile);
    return { old, password: await findNewPassword(io, flags, name) };
  }
  if (isPiped) {
    const lines = new LineReader(io);
    return { old: await lineFrom(lines), password: await lineFrom(lines) };
  }
  if (!io.stdin.isTerminal) {
    throw new UsageError(
      "The old password is not given, and there is no terminal to ask on",
      "add --old-password-file FILE, or --password-stdin with both, a line each",
    );
  }
  const question = `old password of ${name}: `;
  if (flags["password-file"] !== undefined) {
    const old = await askSecret(io, question);
    return { old, password: await findNewPassword(io, flags, name) };
  }
  const asked = [question, ...newQuestions(name)];
  const [old = "", ...typed] = await askSecrets(io, asked);
  return { old, password: alike(...typed) };
}
