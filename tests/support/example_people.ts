/**
 * What the examples about accounts, sessions and API tokens need: the account
 * that one speaks of, unless it is to make it, and answers to what is asked.
 *
 * @module
 */
import type { Pty } from "./pty.ts";

/** Runs a command of the client; throws when it fails. */
type Client = (...argv: string[]) => Promise<string>;

const NOUNS = ["user", "token", "session"];

/** Makes what an example speaks of, in `folder`, where `pw` holds a password. */
export async function preparePeople(
  line: string,
  name: string,
  folder: string,
  client: Client,
): Promise<void> {
  const [noun = "", verb = ""] = name.split(" ");
  if (line.includes("ci.token")) {
    await client("token", "revoke", "kept").catch(() => {});
    const token = await client("token", "create", "kept");
    await Deno.writeTextFile(`${folder}/ci.token`, token);
  }
  if (noun === "quota") return await prepareQuota(line, folder, client);
  if (!NOUNS.includes(noun)) return;
  const [, subject = ""] = / (ann|bob|ci|monitoring|backup)\b/.exec(line) ?? [];
  if (noun === "token") {
    await client("token", "revoke", subject).catch(() => {});
    if (verb === "revoke") await client("token", "create", subject);
  }
  if (noun === "user" && subject !== "") {
    await client("user", "delete", subject).catch(() => {});
    if (verb === "create") return;
    const file = ["--password-file", `${folder}/pw`];
    await client("user", "create", subject, ...file);
  }
}

/** Quotas are of whom something is known. */
async function prepareQuota(
  line: string,
  folder: string,
  client: Client,
): Promise<void> {
  const [, cluster, user] = / (?:([a-z]+)\.)?(ann)\b/.exec(line) ?? [];
  if (user === undefined) return;
  const file = ["--password-file", `${folder}/pw`];
  await client("user", "create", user, ...file).catch(() => {});
  if (cluster === undefined) return;
  await client("cluster", "create", `${cluster}.${user}`).catch(() => {});
}

/** Whether an example asks for passwords on the terminal. */
export function asksPasswords(command: string): boolean {
  return /^usher user (create|passwd)\b/.test(command) &&
    !command.includes("--password-");
}

/** Types the same password to all that is asked: an old one stays what it is. */
export async function typePasswords(pty: Pty, password: string): Promise<void> {
  await pty.untilShown(/password of \w+: /);
  await pty.type(`${password}\r${password}\r${password}\r`);
}
