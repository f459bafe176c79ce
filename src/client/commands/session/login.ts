/**
 * `usher login`.
 *
 * @module
 */
import { type Api, connect } from "../../api.ts";
import { askLine } from "../../ask.ts";
import {
  type Context,
  defineCommand,
  type FlagValues,
  text,
} from "../../command.ts";
import { checkCa, controllerUrl } from "../../config.ts";
import {
  prepareCredentials,
  readCredentials,
  writeCredentials,
} from "../../credentials.ts";
import { EXIT } from "../../exit.ts";
import { failure, isFailure } from "../../failure.ts";
import type { Io } from "../../io.ts";
import { caByFingerprint } from "../../trust.ts";
import { caByAsking } from "../../trust_asking.ts";
import {
  findPassword,
  PASSWORD_FLAGS,
  secretFromFile,
} from "../../password.ts";
import { UsageError } from "../../usage.ts";
import { readGiven } from "../../../sys/given_file.ts";

const FLAGS = {
  user: text("NAME", "who you are; asked for on a terminal", { short: "u" }),
  ...PASSWORD_FLAGS,
  "token-file": text("FILE", "use an API token instead of a password", {
    completes: "file",
  }),
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
    [
      "usher login ctrl --token-file ci.token --ca site-ca.pem",
      "with an API token; USHER_TOKEN does without a login",
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
    await prepareCredentials(settings.credentialsPath);
    const caPem = await findCa(context, controller, flags);
    const answer = flags["token-file"] === undefined
      ? await withPassword(io, flags, { controller, caPem })
      : await withToken(flags["token-file"], flags, { controller, caPem });
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

interface Where {
  readonly controller: string;
  readonly caPem: string | undefined;
}

/** So often a password is asked for on a terminal: the next would have to wait. */
const TRIES = 3;

async function withPassword(io: Io, flags: Flags, where: Where) {
  const user = await findUser(io, flags);
  const isAsked = flags["password-file"] === undefined &&
    !flags["password-stdin"];
  using api = connect(where);
  for (let left = isAsked ? TRIES - 1 : 0;; left--) {
    const password = await findPassword(
      io,
      flags,
      `password of ${user} at ${where.controller}: `,
    );
    try {
      return await exchange(api, user, password);
    } catch (error) {
      // Of a disabled account no password would be the right one.
      if (left === 0 || !isFailure(error) || !/wrong/.test(error.message)) {
        throw error;
      }
      io.stderr.write(`${error.message}\n`);
    }
  }
}

/** An API token is kept as it is, once it is known whose it is. */
async function withToken(path: string, flags: Flags, where: Where) {
  for (const other of ["user", "password-file", "password-stdin"] as const) {
    if (!flags[other]) continue;
    throw new UsageError(`--token-file and --${other} exclude each other`);
  }
  const token = await secretFromFile(path);
  using api = connect({ ...where, token });
  const { user, role, expiresAt } = await api.call("whoami");
  return { token, user, role, expiresAt };
}

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
