/**
 * Calling `xl`: arguments as a vector, a deadline on each call, and xl's own
 * words in what is thrown.
 *
 * A call that only looks ends with whoever asked. One that acts goes on when
 * its caller gives up, since half of a verb is worse than all of it; that xl
 * said yes is never taken for done, and that it said no not for undone: who
 * calls looks afterwards.
 *
 * @module
 */
import { isUsherError, UsherError } from "../../error/mod.ts";
import { type CommandResult, runCommand } from "../../sys/child.ts";
import { isListing, parseListing, type Row, rowsOf } from "./listing.ts";
import { wordsOf } from "./words.ts";

/** It waits a minute for the guest, and then takes the question back; killed before, it would leave it standing. */
const SHUTDOWN_MS = 90_000;

/** How xl is called on this node. */
export interface XlOptions {
  /** xl itself; searched in PATH. */
  readonly program: string;
  /** How long it may take for anything but a start and a move. */
  readonly deadlineMs: number;
}

/** The toolstack. */
export class Xl {
  readonly program: string;
  readonly #deadlineMs: number;

  constructor({ program, deadlineMs }: XlOptions) {
    this.program = program;
    this.#deadlineMs = deadlineMs;
  }

  /** Every domain but dom0. Throws `unavailable` when xl tells nothing: silence is no absence. */
  async list(signal: AbortSignal): Promise<Row[]> {
    return parseListing(await this.#listing(signal));
  }

  /** Every domain, dom0 among them. Throws `unavailable`. */
  async listAll(signal: AbortSignal): Promise<Row[]> {
    return rowsOf(await this.#listing(signal));
  }

  /** What `xl info` tells of the host, by its keys. */
  async info(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const answer = await this.#run(["info"], signal);
    const found = new Map(
      answer.stdout.split("\n").flatMap((line) => {
        const [, key, value] = /^(\w+) *: ?(.*)$/.exec(line) ?? [];
        return key === undefined ? [] : [[key, (value ?? "").trim()]];
      }),
    );
    if (answer.code !== 0 || !found.has("xen_version")) {
      throw refused("info", answer);
    }
    return found;
  }

  /** Does something to a domain; to its end, however long that is waited for. What xl said is for errors alone. */
  async act(
    verb: "pause" | "unpause" | "destroy" | "shutdown" | "rename",
    ...args: readonly string[]
  ): Promise<{ readonly done: boolean; readonly words: string }> {
    const answer = await this.#run(
      [verb, ...args],
      undefined,
      verb === "shutdown" ? SHUTDOWN_MS : this.#deadlineMs,
    );
    const words = wordsOf(answer.stderr) || wordsOf(answer.stdout);
    return { done: answer.code === 0, words };
  }

  async #listing(signal: AbortSignal): Promise<string> {
    const answer = await this.#run(["list", "-v"], signal).catch((error) => {
      if (!isUsherError(error, "not_found")) throw error;
      throw new UsherError("unavailable", error.message, { cause: error });
    });
    if (answer.code !== 0 || !isListing(answer.stdout)) {
      throw refused("list", answer);
    }
    return answer.stdout;
  }

  async #run(
    args: readonly string[],
    signal?: AbortSignal,
    deadlineMs = this.#deadlineMs,
  ): Promise<CommandResult> {
    const answer = await runCommand(this.program, args, deadlineMs, signal);
    if (!answer.timedOut) return answer;
    throw new UsherError(
      "unavailable",
      `No answer from "xl ${args[0]}" within ${deadlineMs} ms`,
      { hint: "Does xenstored run on the node?" },
    );
  }
}

function refused(verb: string, { code, stderr, stdout }: CommandResult) {
  const words = wordsOf(stderr) || wordsOf(stdout);
  return new UsherError(
    "unavailable",
    `Cannot ask Xen: "xl ${verb}" ended with ${code}${
      words === "" ? "" : `; it said: ${words}`
    }`,
  );
}
