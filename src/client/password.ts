/**
 * Where a command gets passwords from: asked without echo, a file, or standard
 * input; never the command line, which every user of the machine can read.
 *
 * @module
 */
import { readGiven } from "../sys/given_file.ts";
import { askSecret, askSecrets, LineReader } from "./ask.ts";
import { type FlagValues, text, toggle } from "./command.ts";
import type { Io } from "./io.ts";
import { UsageError } from "./usage.ts";

/** Flags of every command that needs a password. */
export const PASSWORD_FLAGS = {
  "password-file": text("FILE", "read the password from a file", {
    completes: "file",
  }),
  "password-stdin": toggle("read the password from standard input"),
} as const;

type Flags = FlagValues<typeof PASSWORD_FLAGS>;

/** The text of a file that holds one secret, without the end of its line. */
export async function secretFromFile(path: string): Promise<string> {
  const secret = (await readGiven(path)).replace(/\r?\n$/, "");
  if (secret !== "") return secret;
  throw new UsageError(`Cannot take ${path}: it is empty`);
}

/** A password that is known already, asked for as `question`. */
export async function findPassword(
  io: Io,
  flags: Flags,
  question: string,
): Promise<string> {
  return await given(io, flags) ?? await askSecret(io, question);
}

/** A password that is to be: asked for twice, where it is asked for. */
export async function findNewPassword(
  io: Io,
  flags: Flags,
  of: string,
): Promise<string> {
  const password = await given(io, flags);
  if (password !== null) return password;
  return alike(...await askSecrets(io, newQuestions(of)));
}

/** What is asked for a new password. */
export function newQuestions(of: string): string[] {
  return [`new password of ${of}: `, "the same again: "];
}

/** A new password that was typed twice. */
export function alike(first = "", second = ""): string {
  if (first === second) return first;
  throw new UsageError(
    "The two passwords differ",
    "type it twice alike; nothing was changed",
  );
}

async function given(io: Io, flags: Flags): Promise<string | null> {
  const { "password-file": file, "password-stdin": isPiped } = flags;
  if (file !== undefined && isPiped) {
    throw new UsageError(
      "--password-file and --password-stdin exclude each other",
    );
  }
  if (file !== undefined) return await secretFromFile(file);
  if (isPiped) return await lineFrom(new LineReader(io));
  if (io.stdin.isTerminal) return null;
  throw new UsageError(
    "No password is given, and there is no terminal to ask on",
    "add --password-file FILE or --password-stdin",
  );
}

/** The next line of standard input, which must be there. */
export async function lineFrom(lines: LineReader): Promise<string> {
  const line = await lines.next();
  if (line !== null) return line;
  throw new UsageError("No password came on standard input");
}
