/**
 * A site run by the compiled executable, for the benchmark.
 *
 * @module
 */
import { HttpClient } from "../../src/sys/http_client.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** The compiled executable. */
export const EXECUTABLE = `${ROOT}dist/usher`;

/** A running `usher dev`. */
export class BenchSite implements AsyncDisposable {
  readonly client: HttpClient;

  private constructor(
    readonly url: string,
    readonly token: string,
    readonly stateDir: string,
    readonly child: Deno.ChildProcess,
    ca: string,
  ) {
    this.client = new HttpClient(ca);
  }

  /** Starts a site of one node; resolves once it is ready. */
  static async start(driver: "sim" | "qemu"): Promise<BenchSite> {
    const stateDir = await Deno.makeTempDir({ prefix: "usher_bench_" });
    const child = new Deno.Command(EXECUTABLE, {
      args: ["dev", "--driver", driver, "--state", stateDir],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    let said = "";
    while (!said.includes("\nthen") && !said.includes("vm list")) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`usher dev ended: ${said}`);
      said += value;
    }
    reader.cancel().catch(() => {});
    const url = /https:\S+/.exec(said)?.[0] ?? "";
    const credentials = JSON.parse(
      await Deno.readTextFile(`${stateDir}/credentials.json`),
    );
    const [session] = Object.values(credentials.sessions) as {
      token: string;
    }[];
    const ca = await Deno.readTextFile(`${stateDir}/ca.pem`);
    return new BenchSite(url, session?.token ?? "", stateDir, child, ca);
  }

  get environment(): Record<string, string> {
    return { USHERCLI_CONFIG: `${this.stateDir}/cli.yaml` };
  }

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

  /** Asks and waits until it is done; throws when any VM failed. */
  async run(body: Record<string, unknown>): Promise<void> {
    const text = await this.call("POST", "/v1/requests?follow=1", body);
    const last = JSON.parse(text.trimEnd().split("\n").at(-1) ?? "{}");
    for (const { state, problem } of last.result.outcomes) {
      if (state !== "succeeded") throw new Error(problem?.detail ?? state);
    }
  }

  /** Resident memory of the process, MiB. */
  async rssMiB(): Promise<number> {
    const status = await Deno.readTextFile(`/proc/${this.child.pid}/status`);
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? NaN) / 1024;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    this.child.kill("SIGTERM");
    await this.child.status;
    await Deno.remove(this.stateDir, { recursive: true });
  }
}

/** Milliseconds of each of `times` runs of `work`. */
export async function timed(
  times: number,
  work: (i: number) => Promise<unknown>,
): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < times; i++) {
    const began = performance.now();
    await work(i);
    all.push(performance.now() - began);
  }
  return all;
}
