/**
 * A site for the benchmark: the compiled controller and one node, each a
 * process of its own, set up the way an administrator would.
 *
 * @module
 */
import { HttpClient } from "../../src/sys/http_client.ts";
import { EXECUTABLE, Role } from "./role.ts";

/** A running site of one node. */
export class BenchSite implements AsyncDisposable {
  private constructor(
    readonly dir: string,
    readonly url: string,
    readonly token: string,
    readonly client: HttpClient,
    readonly ctrl: Role,
    readonly lnm: Role,
  ) {}

  /** Starts it; resolves once the node is connected. */
  static async start(driver: "sim" | "qemu"): Promise<BenchSite> {
    const dir = await Deno.makeTempDir({ prefix: "ubench_" });
    const config = `${dir}/ctrl.yaml`;
    await Deno.writeTextFile(config, "names: [127.0.0.1]\n");
    const ctrl = new Role([
      ...["ctrl", "--config", config, "--state", `${dir}/ctrl`],
      ...["--listen-clients", "127.0.0.1:0", "--listen-nodes", "127.0.0.1:0"],
    ]);
    const url = `https://127.0.0.1:${await ctrl.says(
      /^ready: .*? port (\d+)/m,
    )}`;
    const password = await ctrl.says(/its password is (\S+)/);
    const fingerprint = await ctrl.says(/SHA-256 (\S+)/);
    await usher(dir, [
      ...["login", url, "--user", "admin", "--password-stdin"],
      ...["--ca-fingerprint", fingerprint],
    ], password);
    const lnm = new Role([
      ...["lnm", "--name", "n1", "--driver", driver, "--state", `${dir}/n1`],
      ...["--run", `${dir}/run`, "--join", await usher(dir, ["node", "token"])],
    ]);
    await lnm.says(/^ready/m);
    const { token, caPem } = await readSession(dir);
    return new BenchSite(dir, url, token, new HttpClient(caPem), ctrl, lnm);
  }

  /** What a command line of this site needs. */
  get environment(): Record<string, string> {
    return environment(this.dir);
  }

  /** Calls the API; throws what it answers when that is no success. */
  async call(method: string, path: string, body?: unknown): Promise<string> {
    const response = await this.client.fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${this.token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return text;
  }

  /** Asks and waits until it is done; throws when any VM failed. Answers the request's id. */
  async run(body: Record<string, unknown>): Promise<string> {
    const text = await this.call("POST", "/v1/requests?follow=1", body);
    const { result } = JSON.parse(text.trimEnd().split("\n").at(-1) ?? "{}");
    for (const { state, problem } of result.outcomes) {
      if (state !== "succeeded") throw new Error(problem?.detail ?? state);
    }
    return result.request;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    await this.lnm[Symbol.asyncDispose]();
    await this.ctrl[Symbol.asyncDispose]();
    await Deno.remove(this.dir, { recursive: true });
  }
}

function environment(dir: string): Record<string, string> {
  return { HOME: dir, USHERCLI_CONFIG: "" };
}

/** What a command prints; throws what it says when it fails. */
async function usher(
  dir: string,
  args: readonly string[],
  input = "",
): Promise<string> {
  const child = new Deno.Command(EXECUTABLE, {
    args: [...args],
    env: environment(dir),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(decoder.decode(stderr));
  return decoder.decode(stdout).trim();
}

async function readSession(
  dir: string,
): Promise<{ token: string; caPem: string }> {
  const text = await Deno.readTextFile(`${dir}/.usher/credentials.json`);
  const [session] = Object.values(JSON.parse(text).sessions);
  return session as { token: string; caPem: string };
}
