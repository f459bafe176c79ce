/**
 * A runner of handlers that are functions of a test, and plugins made of them.
 *
 * @module
 */
import type {
  HandlerCall,
  HandlerResult,
  HandlerRunner,
  LoadedPlugin,
  RunnerStatus,
} from "../../src/plugin/runner.ts";
import {
  type EventRegistration,
  Manifest,
  PluginConfig,
} from "../../src/schema/plugin.ts";

/** What a plugin does when it is called; what it throws goes through as it is. */
export type FakeHandler = (
  args: readonly unknown[],
  call: HandlerCall,
) => unknown;

/** One event that a fake plugin is registered for. */
export type FakeRegistration = string | Partial<EventRegistration>;

let ids = 0;

/** A plugin of that name and version, registered for these events. */
export function fakePlugin(
  name: string,
  events: readonly FakeRegistration[],
  hash = `hash-of-${name}`,
): LoadedPlugin {
  const config = PluginConfig.parse({ events });
  return {
    name,
    snapshot: { source: `/plugins/${name}.ts`, hash, folder: "", entry: "" },
    manifest: Manifest.parse({ name, version: "1", api: 1 }),
    config,
    handles: ["*"],
    registrations: config.events.map((one) => ({
      id: ++ids,
      plugin: name,
      event: one.event,
      order: one.order ?? null,
      options: {},
      deadlineMs: one.deadline ?? null,
    })),
  };
}

/** Calls functions; `handlers` are by plugin, or by plugin and version as `name@hash`. */
export class FakeRunner implements HandlerRunner {
  /** Every call, in order. */
  readonly calls: HandlerCall[] = [];
  /** What it was told to run, in order, as `name@hash`. */
  readonly uses: string[][] = [];
  readonly handlers: Record<string, FakeHandler>;
  #plugins: readonly LoadedPlugin[] = [];

  constructor(handlers: Record<string, FakeHandler> = {}) {
    this.handlers = handlers;
  }

  use(plugins: readonly LoadedPlugin[]): Promise<void> {
    this.#plugins = plugins;
    this.uses.push(
      plugins.map(({ name, snapshot }) => `${name}@${snapshot.hash}`),
    );
    return Promise.resolve();
  }

  async call(call: HandlerCall): Promise<HandlerResult> {
    this.calls.push(call);
    const plugin = this.#plugins.find(({ registrations }) =>
      registrations.includes(call.registration)
    );
    if (plugin === undefined) throw new Error("it is not loaded");
    const { name, snapshot } = plugin;
    const handler = this.handlers[`${name}@${snapshot.hash}`] ??
      this.handlers[name];
    const args = await handler?.(call.args, call) ?? null;
    return { args: args as readonly unknown[] | null, tookMs: 0 };
  }

  status(): RunnerStatus | null {
    return null;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
