/**
 * The commands that only the shell has: about itself and its connection.
 *
 * They are described as all commands are, so parser, help and completion treat
 * them alike.
 *
 * @module
 */
import { askLine } from "../ask.ts";
import {
  type Command,
  defineCommand,
  type FlagValues,
  NO_WORDS,
  text,
  toggle,
  type Words,
} from "../command.ts";
import { controllerUrl } from "../config.ts";
import { EXIT } from "../exit.ts";
import { isFailure } from "../failure.ts";
import { unknownWord, UsageError } from "../usage.ts";
import { helpOf, nounHelpOf, shellHelp } from "./help.ts";
import type { Shell } from "./front.ts";
import { type OwnCommands, resolve } from "./table.ts";

const CONNECT_FLAGS = {
  user: text("NAME", "who you are; asked for where it is not known", {
    short: "u",
  }),
  "password-file": text("FILE", "read the password from a file", {
    completes: "file",
  }),
  ca: text("FILE", "the site's CA", { completes: "file" }),
  "ca-fingerprint": text("SHA256", "the SHA-256 of the site's CA"),
  again: toggle("log in even where there is a session"),
} as const;

const SET_WORDS: Words = {
  usage: "[details on|off] [notify own|all|none]",
  min: 0,
  max: 2,
  completes: "none",
  choices: ["details", "notify"],
  then: ["on", "off", "own", "all", "none"],
};

/** The shell's own commands, for `session`. */
export function ownCommands(session: Shell): OwnCommands {
  return {
    help: {
      summary: "show the commands, or one of them",
      command: help(session),
    },
    connect: {
      summary: "connect to a controller, and log in where that is needed",
      // deno-lint-ignore no-explicit-any -- each command has flags of its own
      command: connectCommand(session) as Command<any>,
    },
    reconnect: {
      summary: "leave the connection for a new one",
      command: reconnect(session),
    },
    disconnect: {
      summary: "leave the controller; the session stays",
      command: disconnect(session),
    },
    set: {
      summary: "show the shell's settings, or change one",
      command: set(session),
    },
    history: { summary: "show the lines entered", command: history(session) },
    quit: { summary: "leave ush", command: quit(session) },
  };
}

function help(session: Shell): Command {
  return defineCommand({
    about:
      "Show all commands, or the flags and examples of one. ? is the same.",
    words: { usage: "[COMMAND...]", min: 0, max: 2, completes: "none" },
    flags: {},
    examples: [["help start", "the flags of start"]],
    async run({ io }, { words }) {
      if (words.length === 0) {
        io.stdout.write(shellHelp(session.own, io));
        return EXIT.done;
      }
      const asked = resolve(session.own, words);
      if (asked.type === "noun") io.stdout.write(nounHelpOf(asked.noun, io));
      else {
        const command = asked.type === "own"
          ? asked.command
          : await asked.entry.load();
        io.stdout.write(helpOf(asked.name, command, io));
      }
      return EXIT.done;
    },
  });
}

function connectCommand(
  session: Shell,
): Command<typeof CONNECT_FLAGS> {
  return defineCommand({
    about:
      "Connect to a controller: the one that is named, or the one that the configuration or the last session says. Where there is no session that counts, it logs in and asks for what is missing.",
    words: { usage: "[URL]", min: 0, max: 1, completes: "none" },
    flags: CONNECT_FLAGS,
    examples: [
      ["connect", "to the usual controller"],
      ["connect https://ctrl.example.org:8440 --user ann", "to another one"],
    ],
    async run({ io }, { words: [word], flags }) {
      if (word !== undefined) session.choose(controllerUrl(word));
      let settings = await session.settings();
      if (settings.controller === null) {
        if (!session.front.isAttended) {
          throw new UsageError(
            "No controller is named: connect needs its URL",
            "write connect https://HOST:8440",
          );
        }
        const typed = (await askLine(io, "controller: ")).trim();
        session.choose(controllerUrl(typed));
        settings = await session.settings();
      }
      if (settings.token === undefined || wantsLogin(flags)) {
        return await logIn(session, settings.controller, settings.user, flags);
      }
      return await open(
        session,
        () => logIn(session, settings.controller, settings.user, flags),
      );
    },
  });
}

type ConnectFlags = FlagValues<typeof CONNECT_FLAGS>;

function wantsLogin(flags: ConnectFlags): boolean {
  return flags.again || flags.user !== undefined ||
    flags["password-file"] !== undefined;
}

/** Logs in as `usher login` does; the connection is opened with the session. */
async function logIn(
  session: Shell,
  controller: string | null,
  known: string | undefined,
  flags: ConnectFlags,
): Promise<number> {
  const user = flags.user ?? known;
  const argv = ["login", controller ?? ""];
  if (user !== undefined) argv.push("--user", user);
  for (const name of ["password-file", "ca", "ca-fingerprint"] as const) {
    const value = flags[name];
    if (value !== undefined) argv.push(`--${name}`, value);
  }
  session.uncut();
  return await session.runOther(argv);
}

/** Opens the connection of the session; `refused` when that has ended. */
async function open(
  session: Shell,
  refused: () => Promise<number>,
): Promise<number> {
  using api = await session.api();
  try {
    const who = await api.call("whoami");
    session.io.stderr.write(
      `connected to ${api.controller} as ${who.user} (${who.role})\n`,
    );
  } catch (error) {
    if (isFailure(error, "unauthenticated")) return await refused();
    throw error;
  }
  session.uncut();
  if (session.front.isAttended) await session.attach();
  return EXIT.done;
}

function reconnect(session: Shell): Command {
  return defineCommand({
    about:
      "Leave the connection for a new one. It comes back by itself after a break; this does so at once.",
    words: NO_WORDS,
    flags: {},
    examples: [["reconnect", "a new connection, now"]],
    async run() {
      session.connections.drop();
      return await open(session, () => {
        throw new UsageError(
          "The session has ended: the controller does not know it",
          "connect logs in again",
        );
      });
    },
  });
}

function disconnect(session: Shell): Command {
  return defineCommand({
    about:
      "Leave the controller: no notifications, and no command reaches it before connect. The session stays; logout ends it.",
    words: NO_WORDS,
    flags: {},
    examples: [["disconnect", "leave it"]],
    run({ io }) {
      session.cutOff();
      io.stderr.write("disconnected\n");
      return Promise.resolve(EXIT.done);
    },
  });
}

function set(session: Shell): Command {
  return defineCommand({
    about:
      "Show the settings, or change one for this run. details: show all that is known of an error, with its code and trail. notify: whose changes are told between prompts.",
    words: SET_WORDS,
    flags: {},
    examples: [
      ["set", "show them"],
      ["set details on", "errors with all that is known of them"],
      ["set notify all", "changes of all that may be seen, nodes too"],
    ],
    run({ io }, { words: [name, value] }) {
      if (name === undefined) {
        io.stdout.write(
          `details  ${session.details ? "on" : "off"}\n` +
            `notify   ${session.told}\n`,
        );
        return Promise.resolve(EXIT.done);
      }
      change(session, name, value);
      return Promise.resolve(EXIT.done);
    },
  });
}

function change(
  session: Shell,
  name: string,
  value: string | undefined,
): void {
  const known = { details: ["on", "off"], notify: ["own", "all", "none"] };
  if (name !== "details" && name !== "notify") {
    throw unknownWord(
      "setting",
      name,
      Object.keys(known),
      "settings: details, notify",
    );
  }
  if (value === undefined || !known[name].includes(value)) {
    throw new UsageError(
      value === undefined
        ? `"${name}" needs a value: none was given`
        : `"${name}" cannot be "${value}": it must be ${
          known[name].join(" or ")
        }`,
      `write set ${name} ${known[name].join("|")}`,
    );
  }
  if (name === "details") session.setDetails(value === "on");
  else session.told = value as Shell["told"];
}

function history(session: Shell): Command {
  return defineCommand({
    about: "Show the lines that were entered, oldest first.",
    words: NO_WORDS,
    flags: {},
    examples: [["history", "all that is kept"]],
    run({ io }) {
      const lines = session.front.history() ?? [];
      const width = String(lines.length).length;
      io.stdout.write(
        lines.map((line, at) => `${String(at + 1).padStart(width)}  ${line}\n`)
          .join(""),
      );
      return Promise.resolve(EXIT.done);
    },
  });
}

function quit(session: Shell): Command {
  return defineCommand({
    about:
      "Leave ush; what was asked for goes on. exit and Ctrl-D do the same.",
    words: NO_WORDS,
    flags: {},
    examples: [["quit", "leave"]],
    run() {
      session.isOver = true;
      return Promise.resolve(EXIT.done);
    },
  });
}
