/**
 * `virsh`: one process a question or an act.
 *
 * A question that is not answered in time is `unavailable`; an act whose answer
 * did not come may have been done and is `interrupted`, so whoever asked looks
 * first. No act is ended because its asker has gone: the daemon would go on
 * with it anyway.
 *
 * Arguments go as an array. Where several commands are asked at once, virsh
 * takes them as one text; only fixed words and UUIDs go into those.
 *
 * @module
 */
import { isUsherError, UsherError } from "../../error/mod.ts";
import { type CommandResult, runCommand } from "../../sys/child.ts";

/** What an act came to: null when it was done, else what virsh said. */
export type Refusal = string | null;

/** Where a daemon is, and how long it may take. */
export interface VirshOptions {
  readonly program: string;
  readonly uri: string;
  readonly timeoutMs: number;
}

/** The client of one daemon. */
export class Virsh {
  readonly options: VirshOptions;

  constructor(options: VirshOptions) {
    this.options = options;
  }

  /** The arguments that come before a command. */
  get prefix(): readonly string[] {
    return prefixOf(this.options.uri);
  }

  /** Runs a command that changes nothing; answers what it printed. Throws `unavailable` and `driver_failed`. */
  async ask(
    command: readonly string[],
    signal?: AbortSignal,
    timeoutMs = this.options.timeoutMs / QUESTIONS,
  ): Promise<string> {
    const result = await this.#run(command, timeoutMs, signal);
    if (result.timedOut) {
      throw new UsherError("unavailable", silence(timeoutMs), {
        hint: HUNG_HINT,
      });
    }
    if (result.code === 0) return result.stdout;
    const said = saidIn(result.stderr);
    if (LOST.test(said)) throw new UsherError("unavailable", wentAway(said));
    throw outOfReach(said) ??
      new UsherError("driver_failed", `Virsh refused: ${said}`);
  }

  /** Has something done. Throws `unavailable` when it surely was not, `interrupted` when that is not known. */
  async act(
    command: readonly string[],
    timeoutMs = this.options.timeoutMs,
  ): Promise<Refusal> {
    const result = await this.#run(command, timeoutMs);
    if (result.timedOut) {
      throw new UsherError("interrupted", silence(timeoutMs), {
        hint: HUNG_HINT,
      });
    }
    if (result.code === 0) return null;
    const said = saidIn(result.stderr);
    const lost = outOfReach(said);
    if (lost !== null) throw lost;
    if (LOST.test(said)) throw new UsherError("interrupted", wentAway(said));
    return said === "" ? `virsh ended with ${describeExit(result)}` : said;
  }

  async #run(
    command: readonly string[],
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<CommandResult> {
    const { program } = this.options;
    try {
      return await runCommand(
        program,
        [...this.prefix, ...command],
        timeoutMs,
        signal,
      );
    } catch (error) {
      if (!isUsherError(error, "not_found")) throw error;
      const isForbidden = /EACCES|EPERM/.test(error.message);
      throw new UsherError(
        "unavailable",
        `${program} ${
          isForbidden
            ? "may not be run by the node manager"
            : "is not installed"
        }`,
        {
          cause: error,
          hint: "Install libvirt-clients, or set drivers.libvirt.virsh.",
        },
      );
    }
  }
}

/** A verb asks first: so many questions that nobody answers take as long as it may. */
const QUESTIONS = 3;

/** What every virsh is called with. */
export function prefixOf(uri: string): readonly string[] {
  return ["--quiet", "--connect", uri];
}

/** A connection that ended in the middle: what was asked of it may have been done. */
const LOST = /Disconnected from|client socket is closed|End of file/;

function wentAway(said: string): string {
  return `The daemon went away meanwhile: ${said}`;
}

const HUNG_HINT = "Look whether libvirtd hangs: virsh list.";

function silence(ms: number): string {
  return `libvirtd did not answer within ${ms} ms`;
}

function describeExit({ code, signal }: CommandResult): string {
  return signal ?? `exit code ${code}`;
}

const MOST_WORDS = 1200;

/** What virsh complains of, without what it puts before it. */
export function saidIn(stderr: string): string {
  return stderr.split("\n")
    .map((line) => line.trim().replace(/^error: /, ""))
    .filter((line) => line !== "" && !/^(warning|info) ?:/i.test(line))
    .join("; ").slice(0, MOST_WORDS);
}

/** Whether a resume was refused since the guest runs. */
export function isRunningAlready(said: string): boolean {
  return /already running/.test(said);
}

/** How a message begins that says so; what follows is enough where that is the subject. */
export const OUT_OF_REACH = "Cannot reach ";

/** Why the daemon cannot be reached, in a few words; null when that is not the trouble. */
export function outOfReach(said: string): UsherError | null {
  if (!/failed to connect|Failed to connect|Cannot recv data/.test(said)) {
    return null;
  }
  const [
    ,
    why = said.replace(/^failed to connect to the hypervisor; /, ""),
    hint,
  ] = REASONS.find(([words]) => words.test(said)) ?? [];
  return new UsherError("unavailable", `${OUT_OF_REACH}libvirtd: ${why}`, {
    hint: hint ??
      "Try it on the node: virsh --connect URI version, with drivers.libvirt.uri.",
    cause: new Error(said),
  });
}

const START_IT =
  "Start it on the node (systemctl start libvirtd), or set drivers.libvirt.uri.";

const REASONS:
  readonly (readonly [words: RegExp, why: string, hint?: string])[] = [
    [/No such file or directory/, "no such socket", START_IT],
    [
      /Permission denied|authentication|Authorization/i,
      "permission denied; root and members of the group libvirt may talk to it",
    ],
    [/Connection refused/, "it does not run", START_IT],
    [/no connection driver available/, "it has no driver for this URI"],
  ];
