/**
 * A site as a person makes it: `usher dev` of the compiled file, and then
 * nothing but the executable.
 *
 * @module
 */
import { compiledUsher } from "./compiled.ts";
import { until } from "./wait.ts";

/** What a command came to. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A site of its own process, and a shell beside it. */
export class CompiledSite implements AsyncDisposable {
  readonly usher: string;
  readonly folder: string;
  readonly #nodes: number;
  readonly #flags: readonly string[];
  #dev: Deno.ChildProcess;
  #reading: Promise<unknown>;

  private constructor(
    usher: string,
    { folder, nodes, flags }: {
      readonly folder: string;
      readonly nodes: number;
      readonly flags: readonly string[];
    },
  ) {
    this.usher = usher;
    this.folder = folder;
    this.#nodes = nodes;
    this.#flags = flags;
    [this.#dev, this.#reading] = this.#spawn();
  }

  #spawn(...more: string[]): [Deno.ChildProcess, Promise<unknown>] {
    const dev = new Deno.Command(this.usher, {
      args: ["dev", "--nodes", `${this.#nodes}`, "--driver", "sim", "--state"]
        .concat(this.folder, this.#flags, more),
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    return [dev, dev.stdout.pipeTo(new WritableStream())];
  }

  /** Starts one with simulated VMs; resolves when all its nodes are there. */
  static async start(
    { nodes = 2, flags = [], folder }: {
      readonly nodes?: number;
      /** More flags of `usher dev`. */
      readonly flags?: readonly string[];
      /** A folder that is there, which the site takes and removes. */
      readonly folder?: string;
    } = {},
  ): Promise<CompiledSite> {
    const usher = await compiledUsher();
    const its = folder ?? await Deno.makeTempDir({ prefix: "usher_cli_" });
    const site = new CompiledSite(usher, { folder: its, nodes, flags });
    await until("the site answers", async () => {
      const { out } = await site.run("node", "list", "-o", "name");
      return out.trim().split("\n").length === nodes && out !== "";
    }, { deadlineMs: 90_000 });
    return site;
  }

  /** The environment of a shell that talks to this site. */
  get env(): Record<string, string> {
    return {
      HOME: `${this.folder}/home`,
      USHERCLI_CONFIG: `${this.folder}/cli.yaml`,
      PATH: `${this.usher.replace(/\/usher$/, "")}:${Deno.env.get("PATH")}`,
    };
  }

  /** Runs `usher ARGV` to its end. */
  run(...argv: string[]): Promise<Ran> {
    return this.#output(this.usher, argv);
  }

  /** Runs a line of bash to its end. */
  bash(line: string, env: Record<string, string> = {}): Promise<Ran> {
    return this.#output("bash", ["--norc", "-c", line], env);
  }

  async #output(
    program: string,
    args: string[],
    env: Record<string, string> = {},
  ): Promise<Ran> {
    const { code, stdout, stderr } = await new Deno.Command(program, {
      args,
      env: { ...this.env, ...env },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
  }

  /** Ends the site as a crash would. */
  async crash(): Promise<void> {
    this.#dev.kill("SIGKILL");
    await this.#dev.status;
  }

  /** Starts a site again that was ended, where it was. */
  async restart(): Promise<void> {
    await this.#reading.catch(() => {});
    const cli = await Deno.readTextFile(`${this.folder}/cli.yaml`);
    const [, port = ""] = /controller: \S+:(\d+)$/m.exec(cli) ?? [];
    [this.#dev, this.#reading] = this.#spawn("--port", port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#dev.kill("SIGTERM");
    } catch {
      // It was ended by the test.
    }
    await this.#dev.status;
    await this.#reading.catch(() => {});
    await Deno.remove(this.folder, { recursive: true });
  }
}
