/**
 * A site of the compiled executable whose plugins mean harm: each is turned on
 * when a test wants it, between two that behave, while a client asks all along.
 *
 * @module
 */
import type { PluginView } from "../../src/schema/plugin.ts";
import type { PluginLogLine } from "../../src/schema/plugin_life.ts";
import type { Problem } from "../../src/schema/problem.ts";
import { RolesSite } from "./roles_site.ts";
import { until } from "./wait.ts";

const FOLDER = decodeURIComponent(
  new URL("../fixtures/hostile", import.meta.url).pathname,
);

/** A VM that requests of the tests are about; it runs when a test begins. */
export const VM = "target";

/** How one hostile plugin is registered. */
export interface Hostile {
  readonly name: string;
  /** `pause_request`, which decides, or `resume`, which tells. */
  readonly event: "pause_request" | "resume";
  readonly options?: Readonly<Record<string, unknown>>;
  readonly limits?: Readonly<Record<string, unknown>>;
  readonly grants?: Readonly<Record<string, unknown>>;
  readonly deadline?: string;
}

/** What a request came to for the one VM that it names. */
export interface Outcome {
  readonly state: string;
  readonly problem: Problem | null;
}

/** A running site with its plugins. */
export class HostileSite implements AsyncDisposable {
  readonly #site: RolesSite;
  readonly #plugins: readonly Hostile[];
  /** What it asked all along, and what of that failed. */
  readonly beat: Heartbeat;

  private constructor(site: RolesSite, plugins: readonly Hostile[]) {
    this.#site = site;
    this.#plugins = plugins;
    this.beat = new Heartbeat(site);
  }

  /** Starts the site with these plugins, all turned off but the well-behaved one. */
  static async start(
    usher: string,
    plugins: readonly Hostile[],
  ): Promise<HostileSite> {
    const site = await RolesSite.start(
      usher,
      "sim",
      linesOf(configOf(plugins)),
    );
    try {
      await site.request({ verb: "start", names: [VM, "other"] });
      return new HostileSite(site, plugins);
    } catch (error) {
      await site[Symbol.asyncDispose]();
      throw error;
    }
  }

  get dir(): string {
    return this.#site.dir;
  }

  /** All that the controller wrote by itself. */
  get output(): { readonly out: string; readonly err: string } {
    const { out, err } = this.#site.ctrl;
    return { out, err };
  }

  rssMiB(): Promise<number> {
    return this.#site.ctrl.rssMiB();
  }

  /** Turns a plugin on until the answer is disposed of. */
  async on(name: string): Promise<AsyncDisposable> {
    await this.#site.call("POST", `/v1/plugins/${name}/enable`);
    return {
      [Symbol.asyncDispose]: async () => {
        await this.#site.call("POST", `/v1/plugins/${name}/disable`);
      },
    };
  }

  /** A request for the VM, and what it came to. */
  async ask(verb: string, name = VM): Promise<Outcome> {
    const body = { verb, names: [name] };
    const text = await this.#site.call("POST", "/v1/requests?follow=1", body)
      .catch((error: Error) =>
        JSON.stringify({ problem: JSON.parse(error.message) })
      );
    const last = JSON.parse(text.trimEnd().split("\n").at(-1) ?? "{}");
    // It was refused as a whole, at once or after a while.
    if (last.problem) return { state: "refused", problem: last.problem };
    const [{ state, problem = null }] = last.result.outcomes;
    return { state, problem };
  }

  /** Pauses the VM and lets it go on, so that both events are fired when nobody refuses. */
  async round(): Promise<Outcome> {
    const paused = await this.ask("pause");
    if (paused.state === "succeeded") await this.ask("resume");
    return paused;
  }

  async view(name: string): Promise<PluginView> {
    return JSON.parse(await this.#site.call("GET", `/v1/plugins/${name}`));
  }

  /** The lines of a plugin that are kept. */
  async lines(name: string): Promise<PluginLogLine[]> {
    const text = await this.#site.call(
      "GET",
      `/v1/plugins/${name}/logs?limit=1000`,
    );
    return text.split("\n").filter((line) => line !== "").map((line) =>
      JSON.parse(line)
    );
  }

  /** Waits until a plugin has said something like it. */
  async said(name: string, pattern: RegExp): Promise<string> {
    return await until(`${name} says ${pattern}`, async () => {
      const lines = await this.lines(name);
      return lines.find(({ text }) => pattern.test(text))?.text;
    });
  }

  /** Has the configuration read anew, with one more plugin that is turned on. */
  async reloadWith(plugin: Hostile): Promise<void> {
    const config = configOf(this.#plugins);
    const [added] = entriesOf([plugin]);
    const plugins = {
      ...config.plugins,
      [plugin.name]: { ...added?.[1], enabled: true },
    };
    await this.#site.configure(linesOf({ ...config, plugins }));
    await this.#site.call("POST", "/v1/plugins/reload", {});
  }

  /** Runs `usher ARGS`. */
  run(...args: string[]) {
    return this.#site.run(args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.beat.stop();
    await this.#site[Symbol.asyncDispose]();
  }
}

function entriesOf(plugins: readonly Hostile[]) {
  return plugins.map((
    { name, event, options = {}, limits = {}, grants = {}, deadline = "5s" },
  ) =>
    [name, {
      ...{ enabled: false, options, limits, grants },
      events: [{ event, order: 2, deadline }],
    }] as const
  );
}

/** As lines of ctrl.yaml, where JSON is welcome. */
function linesOf(config: Readonly<Record<string, unknown>>): string {
  return Object.entries(config)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`).join("");
}

function configOf(plugins: readonly Hostile[]) {
  const witness = {
    events: ["pause_request", "resume"].flatMap((event) => [
      { event, order: 1 },
      { event, order: 3 },
    ]),
  };
  return {
    plugin_dirs: [FOLDER],
    plugins: { witness, ...Object.fromEntries(entriesOf(plugins)) },
    log: { format: "json" },
  };
}

/** A client that reads and writes all along, one call after another. */
export class Heartbeat {
  readonly #site: RolesSite;
  readonly failures: string[] = [];
  /** Milliseconds of each read. */
  readonly took: number[] = [];
  writes = 0;
  #isOver = false;
  readonly #running: Promise<void>;

  constructor(site: RolesSite) {
    this.#site = site;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    for (let i = 0; !this.#isOver; i++) {
      await this.#try(async () => {
        const began = performance.now();
        await this.#site.call("GET", i % 2 === 0 ? "/v1/vms" : "/v1/nodes");
        this.took.push(performance.now() - began);
      });
      // Not as fast as it can: the machine is the plugins' too.
      await new Promise((done) => setTimeout(done, 10));
      if (i % 20 !== 0) continue;
      await this.#try(async () => {
        await this.#site.request({ verb: "start", names: [`beat${i}`] });
        await this.#site.request({ verb: "destroy", names: [`beat${i}`] });
        this.writes++;
      });
    }
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.failures.push(String(error));
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }
}
