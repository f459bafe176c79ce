/**
 * A role in a process of its own, from the sources or compiled: what a test
 * needs that kills it, signals it, or reads what it prints.
 *
 * @module
 */
import { until, within } from "./wait.ts";

const MAIN = decodeURIComponent(
  new URL("../../main.ts", import.meta.url).pathname,
);

/** How long a role may take to be ready on a slow machine. */
const READY_MS = 120_000;

/** How long it may take to end. */
const END_MS = 120_000;

/** What a role is started with. */
export interface RoleOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** The executable; the sources are run without it. */
  readonly usher?: string;
  /** A command that becomes the one it is given, as `ip netns exec NAME` does. */
  readonly through?: readonly string[];
  /** A file that what it prints is added to as well. */
  readonly log?: string;
}

/** A running `usher ROLE`. */
export class Role implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  /** All that it printed so far. */
  out = "";
  err = "";
  #hasEnded = false;

  /** Starts `usher ARGV`. */
  constructor(
    argv: readonly string[],
    { env = {}, usher, through = [], log }: RoleOptions = {},
  ) {
    const source = ["run", "--allow-all", "--no-check", MAIN];
    const [program = "", ...args] = [
      ...through,
      usher ?? Deno.execPath(),
      ...(usher === undefined ? source : []),
      ...argv,
    ];
    this.#child = new Deno.Command(program, {
      args,
      // No configuration of the machine or its user counts.
      env: { HOME: "/nonexistent", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const note = (text: string) => {
      if (log !== undefined) {
        Deno.writeTextFileSync(log, text, { append: true });
      }
    };
    note(`usher ${argv.join(" ")}, process ${this.#child.pid}\n`);
    this.#reading = Promise.all([
      collect(this.#child.stdout, (text) => {
        this.out += text;
        note(text);
      }),
      collect(this.#child.stderr, (text) => {
        this.err += text;
        note(text);
      }),
    ]);
    void this.#reading.finally(() => this.#hasEnded = true);
  }

  /** Starts `usher ARGV` and waits until it says that it is ready. */
  static async ready(
    argv: readonly string[],
    options: RoleOptions = {},
  ): Promise<Role> {
    const role = new Role(argv, options);
    try {
      await role.says(/^ready.*\n/m);
      return role;
    } catch (error) {
      await role.kill();
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid;
  }

  /**
   * Waits until its standard output matches; answers the pattern's first
   * group, or the whole. Throws what it printed when it ends before.
   */
  async says(pattern: RegExp, deadlineMs = READY_MS): Promise<string> {
    const find = () => pattern.exec(this.out);
    const found = await until(
      `usher says ${pattern}`,
      () => find() ?? (this.#hasEnded ? "ended" : null),
      { deadlineMs },
    );
    const match = found === "ended" ? find() : found;
    if (match !== null) return match[1] ?? match[0];
    throw new Error(`usher ended without ${pattern}: ${this.out}${this.err}`);
  }

  /** Resident memory, MiB. */
  rssMiB(): Promise<number> {
    return rssMiB(this.pid);
  }

  signal(name: Deno.Signal): void {
    this.#child.kill(name);
  }

  /** Its end: the exit code, or the signal it died of. */
  async ended(): Promise<number | Deno.Signal> {
    const end = this.#child.status;
    const { code, signal } = await within("usher's end", END_MS, end);
    await this.#reading;
    return signal ?? code;
  }

  /** Asks it to end, and waits until it has. */
  async end(): Promise<number | Deno.Signal> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended by itself.
    }
    return await this.ended();
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await this.#reading.catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  keep: (text: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    keep(decoder.decode(chunk, { stream: true }));
  }
}

/** Resident memory of a process, MiB. */
export async function rssMiB(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? NaN) / 1024;
}

/** The most memory that a process ever had, in MiB; 0 once it has ended. */
export async function peakMiB(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

/** What a process holds open, as /proc names it. */
export function listDescriptors(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return [...Deno.readDirSync(folder)].flatMap(({ name }) => {
    try {
      return [Deno.readLinkSync(`${folder}/${name}`)];
    } catch {
      return []; // closed meanwhile
    }
  });
}
