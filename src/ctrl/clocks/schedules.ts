/**
 * What plugins want to have fired later: durable until its chain has ended.
 *
 * After a crash what was due fires again under the same decision. What a
 * plugin scheduled that is not in use now waits for its return.
 *
 * @module
 */
import { messageOf, UsherError } from "../../error/mod.ts";
import type { Events } from "../../plugin/events.ts";
import { PluginSchedule } from "../../schema/stored.ts";
import { keys } from "../../store/key.ts";
import type { Store } from "../../store/store.ts";
import type { CtrlContext } from "../context.ts";
import type { GrantedPlugin } from "../plugin_asks/grant.ts";
import type { Agenda } from "./agenda.ts";

/** How much one plugin may have scheduled. */
export const MAX_SCHEDULED = 1000;

/** What schedules are made on. */
export interface ScheduleParts {
  readonly context: CtrlContext;
  readonly store: Pick<Store, "list" | "commit">;
  readonly events: Pick<Events, "fire">;
  readonly agenda: Agenda;
}

/** What is scheduled, of all plugins. */
export class Schedules {
  readonly #parts: ScheduleParts;
  /** By plugin, then by key. */
  readonly #all = new Map<string, Map<string, PluginSchedule>>();
  /** Events that each plugin in use declares. */
  #declared = new Map<string, ReadonlySet<string>>();
  /** Those whose chains run: a reload does not fire them once more. */
  readonly #firing = new Set<PluginSchedule>();
  /** Aborts when the controller ends; null until it serves. */
  #serves: AbortSignal | null = null;

  private constructor(parts: ScheduleParts) {
    this.#parts = parts;
  }

  /** Reads what is scheduled; nothing fires before `begin`. */
  static async load(parts: ScheduleParts): Promise<Schedules> {
    const schedules = new Schedules(parts);
    for await (const { value } of parts.store.list(keys.pluginSchedules())) {
      const one = PluginSchedule.parse(value);
      schedules.#of(one.plugin).set(one.key, one);
    }
    return schedules;
  }

  /** What these plugins have scheduled fires from now on. */
  use(plugins: readonly Pick<GrantedPlugin, "name" | "manifest">[]): void {
    this.#declared = new Map(
      plugins.map(({ name, manifest }) => [
        name,
        new Set(Object.keys(manifest.events)),
      ]),
    );
    if (this.#serves !== null) this.#planAll();
  }

  /** Lets it fire: the controller serves, until `signal` aborts. */
  begin(signal: AbortSignal): void {
    this.#serves = signal;
    this.#planAll();
  }

  /** What a plugin has scheduled. */
  of(plugin: string): PluginSchedule[] {
    return [...this.#all.get(plugin)?.values() ?? []];
  }

  /** Schedules, durably; another of this key is replaced. Throws `insufficient_resources`. */
  async add(one: PluginSchedule): Promise<void> {
    const { plugin, key } = one;
    const its = this.#of(plugin);
    if (!its.has(key) && its.size >= MAX_SCHEDULED) {
      throw new UsherError(
        "insufficient_resources",
        `Plugin "${plugin}" has ${MAX_SCHEDULED} events scheduled, which are the most`,
        { subject: plugin, hint: "cancel some, or schedule fewer" },
      );
    }
    await this.#parts.store.commit([{
      type: "set",
      key: keys.pluginSchedule(plugin, key),
      value: one,
    }]);
    its.set(key, one);
    if (this.#serves !== null) this.#plan(one);
  }

  /** Takes back what has not fired yet. */
  async cancel(plugin: string, key: string): Promise<void> {
    if (!this.#of(plugin).has(key)) return;
    await this.#parts.store.commit([{
      type: "delete",
      key: keys.pluginSchedule(plugin, key),
    }]);
    this.#of(plugin).delete(key);
    this.#parts.agenda.cancel(keyOf(plugin, key));
  }

  /** Takes back all that a plugin has scheduled; answers how much that was. */
  async forget(plugin: string): Promise<number> {
    const all = this.of(plugin);
    for (const { key } of all) await this.cancel(plugin, key);
    return all.length;
  }

  #of(plugin: string): Map<string, PluginSchedule> {
    const its = this.#all.get(plugin) ?? new Map<string, PluginSchedule>();
    this.#all.set(plugin, its);
    return its;
  }

  #planAll(): void {
    for (const its of this.#all.values()) {
      for (const one of its.values()) this.#plan(one);
    }
  }

  #plan(one: PluginSchedule): void {
    const { agenda } = this.#parts;
    const { plugin, key, event, at } = one;
    if (this.#firing.has(one)) return;
    const name = keyOf(plugin, key);
    if (this.#declared.get(plugin)?.has(event) !== true) {
      agenda.cancel(name);
      return;
    }
    agenda.set(name, "wall", Date.parse(at), () => void this.#fire(one));
  }

  async #fire(one: PluginSchedule): Promise<void> {
    const { events, store, context } = this.#parts;
    const { plugin, key, event, args, decision, depth } = one;
    this.#firing.add(one);
    try {
      await events.fire(event, args, { decision, depth });
      // A chain that the controller's end has cut off was not heard to its own;
      // and its handler may have scheduled under this key anew.
      const isOver = this.#serves?.aborted !== true &&
        this.#of(plugin).get(key) === one;
      if (!isOver) return;
      await store.commit([{
        type: "delete",
        key: keys.pluginSchedule(plugin, key),
      }]);
      if (this.#of(plugin).get(key) === one) this.#of(plugin).delete(key);
    } catch (error) {
      context.log.warn("a scheduled event could not be fired", {
        plugin,
        event,
        error: messageOf(error),
      });
    } finally {
      this.#firing.delete(one);
    }
  }
}

function keyOf(plugin: string, key: string): string {
  return `schedule/${plugin}/${key}`;
}
