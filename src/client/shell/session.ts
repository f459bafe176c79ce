/**
 * A run of the shell, whatever it gets its lines from: which controller, which
 * settings, and how one command is run and interrupted.
 *
 * Commands are those of the command line, run by the same code with a terminal
 * that is lent to them. What happens to the shell meanwhile (a connection that
 * is lost, a session that ends) is said through `front`.
 *
 * @module
 */
import { Api, connect } from "../api.ts";
import type { Command, Completes } from "../command.ts";
import { controllerUrl, readSettings, type Settings } from "../config.ts";
import { EXIT } from "../exit.ts";
import type { Io } from "../io.ts";
import {
  type Asked as AskedKind,
  type Candidate,
  isHere,
  namesAt,
  namesHere,
} from "../live_names.ts";
import { parseCommand } from "../parse.ts";
import { UsageError } from "../usage.ts";
import { CommandIo } from "./command_io.ts";
import { namesOf } from "./completion.ts";
import { Connections } from "./connections.ts";
import { helpOf, inShell, nounHelpOf } from "./help.ts";
import type { Front, Shell, ShellContext } from "./front.ts";
import { Live } from "./live.ts";
import { ownCommands } from "./own_commands.ts";
import { RecentNames } from "./recent_names.ts";
import { SiteCopy, type Telling, type Told } from "./site_copy.ts";
import { type Asked, type OwnCommands, resolve } from "./table.ts";

/** A run of the shell. */
export class Session implements Shell, Disposable {
  readonly context: ShellContext;
  readonly copy = new SiteCopy();
  readonly connections: Connections;
  readonly own: OwnCommands;
  readonly #recent: RecentNames;
  /** What `set` changes. */
  details = false;
  told: Told;
  user: string | null = null;
  /** Whether `quit` was entered. */
  isOver = false;
  readonly #front: Front;
  readonly #env = new Map<string, string>();
  #live: Live | null = null;
  /** Set by `disconnect`, until `connect`. */
  #isCutOff = false;
  #current: { interrupt(): void } | null = null;

  constructor(context: ShellContext, front: Front) {
    this.context = context;
    this.#front = front;
    this.connections = new Connections(context.open);
    this.own = ownCommands(this);
    this.#recent = new RecentNames(
      () => this.io.now(),
      (kind) => this.#namesAt(kind),
    );
    const { config, controller } = context;
    this.told = config.notify;
    this.setDetails(config.details);
    if (controller !== undefined) this.choose(controllerUrl(controller));
  }

  get io(): Io {
    return this.context.io;
  }

  get front(): Front {
    return this.#front;
  }

  get live(): Live | null {
    return this.#live;
  }

  /** Runs one command; answers its exit code and never throws. */
  async run(words: readonly string[]): Promise<number> {
    using io = this.#commandIo();
    try {
      const asked = resolve(this.own, words);
      if (asked.type !== "usher") return await this.#runHere(asked, io);
      return await this.#runUsher(asked, io);
    } catch (error) {
      return await this.context.report(io, error);
    }
  }

  /** Runs a command line of usher from within a command of the shell. */
  async runOther(argv: readonly string[]): Promise<number> {
    using io = this.#commandIo();
    return await this.runLine(argv, io);
  }

  /** Ctrl-C: for the command that runs, which may only be left. */
  interrupt(): void {
    this.#current?.interrupt();
  }

  /** Settings as they are now, of the controller that was chosen here. */
  settings(): Promise<Settings> {
    return readSettings(this.#commandIo());
  }

  /** Makes `controller` the one that commands talk to. */
  choose(controller: string): void {
    this.#env.set("USHER_CONTROLLER", controller);
  }

  /** Sets or clears what commands find in their environment. */
  setDetails(on: boolean): void {
    this.details = on;
    if (on) this.#env.set("USHER_DEBUG", "1");
    else this.#env.delete("USHER_DEBUG");
  }

  /** Opens the standing connection; null when there is no session to open it with. */
  async attach(): Promise<Live | null> {
    this.detach();
    this.#isCutOff = false;
    const { controller, caPem, token, user } = await this.settings();
    if (controller === null || token === undefined) return null;
    this.user = user ?? null;
    this.connections.isRefused = false;
    const open = this.context.open;
    const { notices } = this.context;
    const onAnswer = (headers: Headers) =>
      notices.heard(headers, this.io.now());
    const api = new Api({ controller, caPem, token, open, onAnswer });
    return this.#live = new Live(api, {
      copy: this.copy,
      telling: () => this.#telling(),
      say: (text) => this.#front.say(text),
      onStanding: () => this.#sayNotices(),
      onLost: () => this.connections.drop(),
    });
  }

  /** What everybody should hear comes with the first answer, whoever asked. */
  #sayNotices(): void {
    for (const text of this.context.notices.take()) this.#front.say(text);
  }

  /** Ends the standing connection, if there is one. */
  detach(): void {
    this.#live?.[Symbol.dispose]();
    this.#live = null;
    this.copy.clear();
    this.#recent.clear();
    this.connections.drop();
  }

  /** Refuses commands that need the controller until `connect`. */
  cutOff(): void {
    this.detach();
    this.#isCutOff = true;
  }

  /** Takes `cutOff()` back. */
  uncut(): void {
    this.#isCutOff = false;
  }

  /** Names of a kind, for the completion: of the copies where these have them. */
  async names(kind: Completes): Promise<readonly Candidate[]> {
    if (isHere(kind)) return await namesHere(kind);
    return namesOf(this.copy, kind) ?? await this.#recent.of(kind);
  }

  async #namesAt(kind: AskedKind): Promise<readonly Candidate[]> {
    const { controller, caPem, token } = await this.settings();
    if (this.#isCutOff || controller === null || token === undefined) return [];
    const open = this.connections.forCommand();
    using api = connect({ controller, caPem, token, open });
    return await namesAt(api, kind);
  }

  /** A connection for the shell's own questions. */
  async api(): Promise<Api> {
    const { controller, caPem, token } = await this.settings();
    return connect({
      controller: controller ?? "",
      caPem,
      token,
      open: this.context.open,
    });
  }

  [Symbol.dispose](): void {
    this.detach();
    this.connections[Symbol.dispose]();
  }

  #telling(): Telling {
    return {
      told: this.told,
      details: this.details,
      user: this.user,
      isWaitedFor: (request) => this.connections.waitedFor.has(request),
    };
  }

  #commandIo(): CommandIo {
    const front = this.#front;
    return new CommandIo({
      io: this.io,
      keyboard: front.keyboard,
      env: this.#env,
      lend: () => front.lend(),
      onBroken: () => this.isOver = true,
    });
  }

  async #runHere(
    asked: Exclude<Asked, { type: "usher" }>,
    io: CommandIo,
  ): Promise<number> {
    if (asked.type === "noun") {
      io.stdout.write(nounHelpOf(asked.noun, io));
      return EXIT.done;
    }
    const { name, command, argv } = asked;
    const parsed = parsedInShell(name, command, argv);
    if (parsed.help) {
      io.stdout.write(helpOf(name, command, io));
      return EXIT.done;
    }
    return await this.#interruptibly(
      io,
      () => command.run({ ...this.context, io }, parsed),
    );
  }

  async #runUsher(
    asked: Extract<Asked, { type: "usher" }>,
    io: CommandIo,
  ): Promise<number> {
    const { argv, entry, name, words } = asked;
    const command = await entry.load();
    if (asksForHelp(argv.slice(words))) {
      io.stdout.write(helpOf(name, command, io));
      return EXIT.done;
    }
    const code = await this.runLine(argv, io);
    const isRefused = code === EXIT.denied && this.connections.isRefused;
    if (!isRefused || !this.#front.isAttended || argv[0] === "login") {
      return code;
    }
    // Nothing was done for a session that is unknown, so it can be sent again.
    return await this.#logInAgain(io) ? await this.runLine(argv, io) : code;
  }

  /** Runs a command line of usher with `io`; Ctrl-C reaches it, or leaves it. */
  async runLine(argv: readonly string[], io: CommandIo): Promise<number> {
    this.connections.isRefused = false;
    const before = new Set(this.connections.waitedFor);
    const open = this.connections.forCommand();
    const code = await this.#interruptibly(
      io,
      () =>
        this.context.run(argv, io, (caPem) => {
          if (!this.#isCutOff) return open(caPem);
          throw new UsageError(
            "Not connected: disconnect ended the connection",
            "connect opens it again",
          );
        }),
    );
    this.#recent.clear();
    if (code === EXIT.stillRunning || code === EXIT.interrupted) {
      // Nobody waits for these any more, so their changes are news.
      for (const request of this.connections.waitedFor) {
        if (!before.has(request)) this.connections.waitedFor.delete(request);
      }
    }
    if (code === EXIT.done) await this.#follow(argv);
    return code;
  }

  /** After a login or logout the standing connection is another one. */
  async #follow([noun, word]: readonly string[]): Promise<void> {
    if (noun === "logout") this.detach();
    if (noun !== "login" || !this.#front.isAttended) return;
    if (word !== undefined && !word.startsWith("-")) this.choose(word);
    await this.attach();
  }

  async #logInAgain(io: CommandIo): Promise<boolean> {
    const { controller, user } = await this.settings();
    if (controller === null) return false;
    io.stderr.write(`log in again at ${controller}\n`);
    const who = user === undefined ? [] : ["--user", user];
    return await this.runLine(["login", controller, ...who], io) === EXIT.done;
  }

  async #interruptibly(
    io: CommandIo,
    run: () => Promise<number>,
  ): Promise<number> {
    const left = Promise.withResolvers<number>();
    let presses = 0;
    const outer = this.#current;
    this.#current = {
      interrupt: () => {
        // Twice for a command that hears it, and goes on all the same.
        if (presses++ === 0 && io.interrupt()) return;
        io.leave();
        this.connections.drop();
        left.resolve(EXIT.interrupted);
      },
    };
    try {
      const running = run();
      // Left behind, it may end as it likes.
      running.catch(() => {});
      return await Promise.race([running, left.promise]);
    } finally {
      this.#current = outer;
    }
  }
}

/** What was given to a command of the shell; mistakes are told in its words. */
function parsedInShell(
  name: string,
  command: Command,
  argv: readonly string[],
) {
  try {
    return parseCommand(name, command, argv);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const { message, hint = "" } = error;
    throw new UsageError(inShell(message), inShell(hint) || undefined);
  }
}

function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  const flags = end < 0 ? argv : argv.slice(0, end);
  return flags.includes("--help") || flags.includes("-h");
}
