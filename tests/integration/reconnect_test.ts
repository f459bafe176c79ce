/**
 * Commands that wait come back by themselves when the controller is killed and
 * started again, and end as if nothing had been.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { runClient } from "../../src/client/main.ts";
import { CtrlProcess, lnmArgv } from "../support/ctrl_process.ts";
import { FakeIo } from "../support/fake_client.ts";
import { Role } from "../support/role.ts";
import { until } from "../support/wait.ts";

interface Command {
  readonly io: FakeIo;
  readonly ended: Promise<number>;
}

/** A controller and two nodes, each a process, and commands of this one. */
class Site implements AsyncDisposable {
  readonly #folder: string;
  readonly #ctrl: CtrlProcess;
  readonly #nodes: Role[] = [];

  private constructor(folder: string, ctrl: CtrlProcess) {
    this.#folder = folder;
    this.#ctrl = ctrl;
  }

  static async start(): Promise<Site> {
    const folder = await Deno.makeTempDir({ prefix: "usher_back_" });
    const site = new Site(folder, await CtrlProcess.start(`${folder}/ctrl`));
    for (const name of ["n1", "n2"]) {
      const { token } = await site.#ctrl.call<{ token: string }>(
        "POST",
        "/v1/node-tokens",
        {},
      );
      const argv = lnmArgv(`${folder}/${name}`, name);
      site.#nodes.push(await Role.ready([...argv, "--join", token]));
    }
    await site.#login();
    return site;
  }

  async #login(): Promise<void> {
    const [, password = ""] =
      /its password is (\S+)/.exec(this.#ctrl.role.out) ?? [];
    const { io, ended } = this.command(
      [
        ...["login", this.#ctrl.url, "--user", "admin", "--password-stdin"],
        ...["--ca", `${this.#folder}/ctrl/tls/ca.pem`],
      ],
      password,
    );
    strictEqual(await ended, 0, io.err);
  }

  command(argv: string[], input = ""): Command {
    const env = { HOME: this.#folder, USHERCLI_CONFIG: "" };
    const io = new FakeIo({ env, input });
    return { io, ended: runClient(argv, io) };
  }

  async run(...argv: string[]): Promise<string> {
    const { io, ended } = this.command(argv);
    strictEqual(await ended, 0, io.err);
    return io.out;
  }

  async crash(): Promise<void> {
    await this.#ctrl.role.kill();
    await this.#ctrl.again();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.#nodes) await node.kill();
    await this.#ctrl[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

Deno.test("every command that waits comes back after the controller was killed", async () => {
  await using site = await Site.start();
  const boot = ["--sim", "bootMs=4000"];
  const slow = ["--sim", "sendMs=4000"];
  await site.run("vm", "start", "moving", "--on", "n1", ...slow);
  const left = await site.run("vm", "start", "left", ...boot, "--no-wait");
  const start = site.command(["vm", "start", "web", ...boot]);
  const attach = site.command(["op", "attach", left.trim()]);
  const wait = site.command(["vm", "wait", "left", "--for", "state=running"]);
  const events = site.command(["events", "--follow", "-o", "ndjson"]);
  const migrate = site.command(["vm", "migrate", "moving", "--to", "n2"]);
  const waiting = [start, attach, wait, events, migrate];
  await until("all listen", () =>
    waiting.every(({ io }) => io.listeners > 0) &&
    start.io.err.includes("web") && attach.io.err.includes("left") &&
    migrate.io.err.includes("moving"));
  await site.crash();
  const codes = [start, attach, wait, migrate].map(({ ended }) => ended);
  deepStrictEqual(
    await Promise.all(codes),
    [0, 0, 0, 0],
    waiting.map(({ io }) => io.err).join("\n"),
  );
  for (const { io } of [start, attach, migrate]) {
    match(io.err, /connection lost/);
  }
  await site.run("vm", "poweroff", "web");
  await until(
    "the stream tells of it",
    () => /"web\.default\.admin".*"stopped"/.test(events.io.out),
  );
  events.io.interrupt();
  strictEqual(await events.ended, 0);
  match(await site.run("vm", "show", "moving"), /node +n2/);
});
