/**
 * `usher login`.
 *
 * @module
 */
import { type Api, connect } from "../../api.ts";
import { askLine, askSecret, readLine } from "../../ask.ts";
import {
  type Context,
  defineCommand,
  type FlagValues,
  text,
  toggle,
} from "../../command.ts";
import { checkCa, controllerUrl } from "../../config.ts";
import { readCredentials, writeCredentials } from "../../credentials.ts";
import { EXIT } from "../../exit.ts";
import { failure, isFailure } from "../../failure.ts";
import type { Io } from "../../io.ts";
import { caByFingerprint } from "../../trust.ts";
import { caByAsking } from "../../trust_asking.ts";
import { UsageError } from "../../usage.ts";
import { readGiven } from "../../../sys/given_file.ts";

const FLAGS = {
  user: text("NAME", "who you are; asked for on a terminal", { short: "u" }),
  "password-file": text("FILE", "read the password from a file", {
    completes: "file",
  }),
  "password-stdin": toggle("read the password from standard input"),
  ca: text("FILE", "the site's CA", { completes: "file" }),
  "ca-fingerprint": text("SHA256", "the SHA-256 of the site's CA"),
} as const;

type Flags = FlagValues<typeof FLAGS>;

export const login = defineCommand({
  about:
    "Open a session at a controller, and remember it. Where the site's CA is not known yet, its fingerprint is shown and asked about; without a terminal, --ca or --ca-fingerprint must say it.",
  words: { usage: "[URL]", min: 0, max: 1, completes: "none" },
  flags: FLAGS,
  examples: [
    ["usher login https://ctrl.example.org:8440", "on a terminal"],
    [
      "usher login ctrl --user ann --password-file pw --ca site-ca.pem",
      "in a script",
    ],
  ],
  async run(context, { words: [word], flags }) {
    const { io } = context;
    const settings = await context.settings();
    const controller = word === undefined
      ? settings.controller
      : controllerUrl(word);
    if (controller === null) {
      throw new UsageError(
        "No controller is named: usher login needs its URL",
        "write usher login https://HOST:8440",
      );
    }
    const caPem = await findCa(context, controller, flags);
    const user = await findUser(io, flags);
    const password = await findPassword(io, flags, user, controller);
    using api = connect({ controller, caPem });
    const answer = await exchange(api, user, password);
    await writeCredentials(settings.credentialsPath, {
      controller,
      user: answer.user,
      token: answer.token,
      caPem,
      expiresAt: answer.expiresAt,
    });
    io.stderr.write(
      `logged in at ${controller} as ${answer.user} (${answer.role}) until ${answer.expiresAt}\n`,
    );
    return EXIT.done;
  },
});

/** A session for a password; a wrong one is told without a way to log in. */
async function exchange(api: Api, user: string, password: string) {
  try {
    return await api.call("login", { body: { user, password } });
  } catch (error) {
    if (!isFailure(error, "unauthenticated")) throw error;
    throw await failure("unauthenticated", `Cannot log in: ${error.message}`, {
      hint: "check both and try again",
    });
  }
}

/** The CA to trust; undefined when the machine's own authorities do. */
async function findCa(
  context: Context,
  controller: string,
  flags: Flags,
): Promise<string | undefined> {
  if (flags.ca !== undefined && flags["ca-fingerprint"] !== undefined) {
    throw new UsageError("--ca and --ca-fingerprint exclude each other");
  }
  if (flags.ca !== undefined) {
    return checkCa(flags.ca, await readGiven(flags.ca));
  }
  if (flags["ca-fingerprint"] !== undefined) {
    return await caByFingerprint(controller, flags["ca-fingerprint"]);
  }
  const settings = await context.settings();
  const { sessions } = await readCredentials(settings.credentialsPath);
  const known = sessions[controller]?.caPem ??
    (settings.controller === controller ? settings.caPem : undefined);
  if (known !== undefined) return known;
  using api = connect({ controller });
  if (await isTrusted(api)) return undefined;
  return await caByAsking(context.io, controller);
}

/** Whether the machine's own authorities vouch for the controller. */
async function isTrusted(api: Api): Promise<boolean> {
  try {
    await api.call("version");
    return true;
  } catch (error) {
    // Only a certificate can be mended by trusting another CA.
    if (isFailure(error, "unavailable") && /certificate/.test(error.message)) {
      return false;
    }
    throw error;
  }
}

async function findUser(io: Io, flags: Flags): Promise<string> {
  if (flags.user !== undefined) return flags.user;
  if (!io.stdin.isTerminal) {
    throw new UsageError(
      "No user is named, and there is no terminal to ask on",
      "add --user NAME",
    );
  }
  const usual = io.env("USER") ?? "";
  const typed = (await askLine(io, `user${usual && ` [${usual}]`}: `)).trim();
  if (typed !== "" || usual !== "") return typed || usual;
  throw new UsageError("No user is named", "add --user NAME");
}

async function findPassword(
  io: Io,
  flags: Flags,
  user: string,
  controller: string,
): Promise<string> {
  if (flags["password-file"] !== undefined) {
    const text = await readGiven(flags["password-file"]);
    return text.replace(/\r?\n$/, "");
  }
  if (flags["password-stdin"]) {
    const line = await readLine(io);
    if (line !== null) return line;
    throw new UsageError("No password came on standard input");
  }
  if (!io.stdin.isTerminal) {
    throw new UsageError(
      "No password is given, and there is no terminal to ask on",
      "add --password-file FILE or --password-stdin",
    );
  }
  return await askSecret(io, `password of ${user} at ${controller}: `);
}
