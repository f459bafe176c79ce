/**
 * A site of processes from the sources: a controller and nodes on `sim` that a
 * test may kill, and the command line, in the test's own process.
 *
 * @module
 */
import { strictEqual } from "node:assert/strict";
import { openHttpClient } from "../../src/client/deno.ts";
import { runClient } from "../../src/client/main.ts";
import { CtrlProcess, lnmArgv } from "./ctrl_process.ts";
import { FakeIo } from "./fake_client.ts";
import { Role } from "./role.ts";

/** A command under way. */
export interface Command {
  readonly io: FakeIo;
  readonly ended: Promise<number>;
  /** How many of its requests have been answered, if only begun to be. */
  answers(): number;
}

/** A controller and nodes, each a process, and commands of this one. */
export class KillableSite implements AsyncDisposable {
  readonly #folder: string;
  readonly ctrl: CtrlProcess;
  readonly #nodes = new Map<string, Role>();

  private constructor(folder: string, ctrl: CtrlProcess) {
    this.#folder = folder;
    this.ctrl = ctrl;
  }

  /** Starts a site with nodes of these names, and logs in. */
  static async start(names: readonly string[]): Promise<KillableSite> {
    const folder = await Deno.makeTempDir({ prefix: "usher_back_" });
    const site = new KillableSite(
      folder,
      await CtrlProcess.start(`${folder}/ctrl`),
    );
    for (const name of names) {
      const { token } = await site.ctrl.call<{ token: string }>(
        "POST",
        "/v1/node-tokens",
        {},
      );
      await site.#startNode(name, "--join", token);
    }
    await site.#login();
    return site;
  }

  async #startNode(name: string, ...more: string[]): Promise<void> {
    const argv = [...lnmArgv(`${this.#folder}/${name}`, name), ...more];
    this.#nodes.set(name, await Role.ready(argv));
  }

  async #login(): Promise<void> {
    const [, password = ""] =
      /its password is (\S+)/.exec(this.ctrl.role.out) ?? [];
    const { io, ended } = this.command(
      [
        ...["login", this.ctrl.url, "--user", "admin", "--password-stdin"],
        ...["--ca", `${this.#folder}/ctrl/tls/ca.pem`],
      ],
      password,
    );
    strictEqual(await ended, 0, io.err);
  }

  get stateDir(): string {
    return this.ctrl.stateDir;
  }

  /** Runs `usher ARGV` in this process. */
  command(argv: string[], input = ""): Command {
    const env = { HOME: this.#folder, USHERCLI_CONFIG: "" };
    const io = new FakeIo({ env, input });
    let answers = 0;
    const ended = runClient(argv, io, (caPem) => {
      const client = openHttpClient(caPem);
      return {
        ...client,
        async fetch(...request: Parameters<typeof client.fetch>) {
          const response = await client.fetch(...request);
          answers++;
          return response;
        },
      };
    });
    return { io, ended, answers: () => answers };
  }

  /** Runs `usher ARGV` to its end; fails when it does. */
  async run(...argv: string[]): Promise<string> {
    const { io, ended } = this.command(argv);
    strictEqual(await ended, 0, io.err);
    return io.out;
  }

  /** Kills a node manager, and starts it again. */
  async crashNode(name: string): Promise<void> {
    await this.#nodes.get(name)?.kill();
    await this.#startNode(name);
  }

  /** Kills the controller, and starts it again. */
  async crash(): Promise<void> {
    await this.ctrl.role.kill();
    await this.ctrl.again();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.#nodes.values()) await node.kill();
    await this.ctrl[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}
