/**
 * A whole site for a test: controller and nodes over real links, on `sim` unless
 * the test asks for more.
 *
 * @module
 */
import { type DevOptions, type DevSite, startDev } from "../../src/dev.ts";
import type { Operation, Result } from "../../src/schema/operation.ts";
import type { VmView } from "../../src/schema/change.ts";
import type { Problem } from "../../src/schema/problem.ts";
import { type Clock, systemClock } from "../../src/sys/clock.ts";
import { HttpClient } from "../../src/sys/http_client.ts";
import { type Log, silentLog } from "../../src/sys/log.ts";
import type { PluginHosting } from "../../src/ctrl/plugins/hosted.ts";
import { localPlugins, type Modules } from "./local_plugins.ts";
import { until } from "./wait.ts";

export interface TestSiteOptions {
  readonly nodes?: number;
  readonly driver?: DevOptions["driver"];
  readonly ctrl?: Readonly<Record<string, unknown>>;
  readonly lnm?: DevOptions["lnm"];
  /** Plugins of the test, which `ctrl.plugins` registers; they run in its process. */
  readonly modules?: Modules;
  /** How plugins are run, where not in this process. */
  readonly plugins?: PluginHosting;
  /** A directory to use and to keep; a new one that is removed when absent. */
  readonly stateDir?: string;
  /** Where its parts write what they do; nowhere when absent. */
  readonly log?: Log;
  /** The controller's clock; that of the machine when absent. */
  readonly clock?: Clock;
}

/** What an HTTP call answered. */
export interface Answer<T = unknown> {
  readonly status: number;
  readonly body: T;
}

/** A running site and ways to ask it. */
export class TestSite implements AsyncDisposable {
  readonly site: DevSite;
  readonly client: HttpClient;
  readonly #temporary: string | null;

  private constructor(site: DevSite, temporary: string | null) {
    this.site = site;
    this.client = new HttpClient(site.controller.site.ca.pem);
    this.#temporary = temporary;
  }

  static async start(
    {
      nodes = 1,
      driver = "sim",
      ctrl = {},
      lnm = {},
      stateDir,
      modules = {},
      plugins = localPlugins(modules, ctrl["plugins"]),
      log = silentLog,
      clock = systemClock,
    }: TestSiteOptions = {},
  ): Promise<TestSite> {
    const temporary = stateDir === undefined
      ? await Deno.makeTempDir({ prefix: "usher_site_" })
      : null;
    const site = await startDev({
      nodes,
      ctrl,
      lnm,
      driver,
      stateDir: stateDir ?? temporary ?? "",
      version: "0.0.0-test",
      log,
      plugins,
      clock,
    });
    return new TestSite(site, temporary);
  }

  /** Calls the API as the administrator, or with another token, or none (null). */
  async call<T = unknown>(
    method: string,
    path: string,
    body?: unknown,
    token: string | null = this.site.token,
  ): Promise<Answer<T>> {
    const response = await this.client.fetch(this.site.url + path, {
      method,
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
      ...(body === undefined
        ? {}
        : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: (text === "" ? null : parseLast(text)) as T,
    };
  }

  /** Asks `verb` for `names` and waits for the result. */
  async run(
    verb: string,
    names: string | string[],
    more: Record<string, unknown> = {},
  ): Promise<Result> {
    const answer = await this.call<{ result: Result } & Problem>(
      "POST",
      "/v1/requests?follow=1",
      {
        verb,
        names: typeof names === "string" ? [names] : names,
        ...more,
      },
    );
    if (answer.status !== 200) {
      throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body.result;
  }

  /** Asks `verb` and answers at once, with the operations begun. */
  async submit(
    verb: string,
    names: string | string[],
    more: Record<string, unknown> = {},
  ): Promise<Result> {
    const body = {
      verb,
      names: typeof names === "string" ? [names] : names,
      ...more,
    };
    const answer = await this.call<Result & Problem>(
      "POST",
      "/v1/requests",
      body,
    );
    if (answer.status !== 200) {
      throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  }

  /** The problem that a request is refused with. */
  async refusal(
    verb: string,
    names: string[],
    more: Record<string, unknown> = {},
  ): Promise<Problem> {
    const answer = await this.call<Problem>("POST", "/v1/requests", {
      verb,
      names,
      ...more,
    });
    if (answer.status < 400) {
      throw new Error(`was not refused: ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  }

  async vm(name: string): Promise<VmView> {
    const answer = await this.call<VmView>("GET", `/v1/vms/${name}`);
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return answer.body;
  }

  async operation(id: string): Promise<Operation> {
    return (await this.call<Operation>("GET", `/v1/operations/${id}`)).body;
  }

  /** Waits until a VM is in `state`. */
  async untilState(name: string, state: string): Promise<VmView> {
    return await until(`${name} is ${state}`, async () => {
      const vm = await this.vm(name);
      return vm.status.state === state ? vm : null;
    }, { deadlineMs: 20_000 });
  }

  /** Waits until an operation is in one of `states`. */
  async untilOperation(id: string, ...states: string[]): Promise<Operation> {
    return await until(
      `operation ${id} is ${states.join(" or ")}`,
      async () => {
        const operation = await this.operation(id);
        return states.includes(operation.state) ? operation : null;
      },
      { deadlineMs: 20_000 },
    );
  }

  /** Ends the roles; the directory stays when it was given. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    await this.site.close();
    if (this.#temporary !== null) {
      await Deno.remove(this.#temporary, { recursive: true });
    }
  }
}

/** The value of a JSON text, or of the last line of an NDJSON one. */
function parseLast(text: string): unknown {
  if (text.startsWith("<!doctype html>")) return text;
  const lines = text.trimEnd().split("\n");
  return JSON.parse(lines.at(-1) ?? "null");
}
