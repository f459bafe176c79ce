/**
 * A stand-in for a controller: it answers what a plugin asks while it is
 * checked or played to, and keeps what the plugin would have done.
 *
 * What the plugin may not ask is denied as a controller would. What it keeps is
 * read back by it, begins empty, and is gone with the stand-in.
 *
 * @module
 */
import {
  type AskAnswerer,
  type Asking,
  type AskName,
  type AskParams,
  ASKS,
} from "../plugin/asks.ts";
import { compileName, isGlob } from "../core/selector.ts";
import type { Grant } from "../ctrl/plugin_asks/grant.ts";
import { sameJson } from "../plugin/chain/answer.ts";
import type { NodeView, VmView } from "../schema/change.ts";

/** What a stand-in shows of a site. */
export interface ShownSite {
  readonly vms: readonly VmView[];
  readonly nodes: readonly NodeView[];
}

/** A site without anything. */
export const EMPTY_SITE: ShownSite = { vms: [], nodes: [] };

/** Answers asks without doing anything. */
export class StandIn implements AskAnswerer {
  /** Requests that were filed since the last look. */
  requests: AskParams<"request">[] = [];
  /** Events that were fired, or scheduled, since then. */
  fired: string[] = [];
  readonly #site: ShownSite;
  #grant: Grant | null = null;
  readonly #state = new Map<string, unknown>();

  constructor(site: ShownSite) {
    this.#site = site;
  }

  /** What may be asked from now on; nothing may before. */
  use(grant: Grant): void {
    this.#grant = grant;
  }

  /** What was to be done since the last look, each in a few words. */
  takeDeeds(): string[] {
    const deeds = [
      ...this.requests.map(({ request: { verb, names } }) =>
        `${verb} ${names.join(" ")}`
      ),
      ...this.fired,
    ];
    this.requests = [];
    this.fired = [];
    return deeds;
  }

  // deno-lint-ignore require-await -- what is denied rejects
  async answer<N extends AskName>(
    name: N,
    params: AskParams<N>,
    _asking: Asking,
  ): Promise<unknown> {
    this.#granted.require(ASKS[name].needs, name);
    const answer = this.#answers[name] as (params: unknown) => unknown;
    return answer(params) ?? null;
  }

  get #granted(): Grant {
    if (this.#grant === null) throw new Error("It was not started");
    return this.#grant;
  }

  get #vms(): readonly VmView[] {
    return this.#site.vms.filter(({ name }) => this.#granted.reaches(name));
  }

  readonly #answers: { [N in AskName]: (params: AskParams<N>) => unknown } = {
    "vms.list": (filter) => this.#chosen(filter),
    "vms.get": ({ name }) => this.#vms.find((vm) => vm.name === name),
    "vms.isAwaited": () => false,
    "nodes.list": () => this.#site.nodes,
    "nodes.get": ({ name }) =>
      this.#site.nodes.find((node) => node.name === name),
    "usage.vms": (filter) => usages(this.#chosen(filter)),
    "usage.nodes": () => usages(this.#site.nodes),
    "clusters.list": () => this.#clusters(),
    "clusters.get": ({ name }) =>
      this.#clusters().find((cluster) => cluster.name === name),
    "history.operations": () => [],
    "history.vm": () => [],
    "history.node": () => [],
    "history.usage": () => [],
    fire: ({ event }) => {
      this.#granted.requireEvent(event);
      this.fired.push(`fire ${event}`);
    },
    request: (params) => {
      const { verb, names } = params.request;
      this.#granted.requireVerb(verb);
      for (const name of names) {
        if (!isGlob(name)) this.#granted.requireVm(name);
      }
      return `stand-in-${this.requests.push(params)}`;
    },
    "state.get": ({ key }) => this.#state.get(key),
    "state.set": ({ key, value }) => void this.#state.set(key, value),
    "state.delete": ({ key }) => void this.#state.delete(key),
    "state.list": ({ prefix }) =>
      [...this.#state].filter(([key]) => key.startsWith(prefix))
        .toSorted(([a], [b]) => a < b ? -1 : 1)
        .map(([key, value]) => ({ key, value })),
    "state.commit": ({ changes, expect }) => {
      const holds = expect.every(({ key, value }) =>
        sameJson(this.#state.get(key) ?? null, value)
      );
      if (!holds) return false;
      for (const { key, value } of changes) {
        if (value === null) this.#state.delete(key);
        else this.#state.set(key, value);
      }
      return true;
    },
    "schedule.at": ({ event }) => {
      this.#granted.requireEvent(event);
      this.fired.push(`schedule ${event}`);
    },
    "schedule.cancel": () => null,
    "accounts.check": () => ({ valid: false, role: null }),
    "accounts.checkNode": () => ({ valid: false }),
  };

  #chosen(
    { name, node, state, after = "", limit }: AskParams<"vms.list">,
  ): VmView[] {
    const isMeant = name === undefined ? () => true : compileName(name);
    return this.#vms.filter((vm) =>
      isMeant(vm.name) && (node === undefined || vm.node === node) &&
      (state === undefined || vm.status.state === state) && vm.name > after
    ).toSorted((a, b) => a.name < b.name ? -1 : 1).slice(0, limit);
  }

  #clusters() {
    const named = new Map(
      this.#vms.map(({ name, createdAt }) => {
        const [, cluster = "", user = ""] = name.split(".");
        return [`${cluster}.${user}`, {
          v: 1,
          name: `${cluster}.${user}`,
          user,
          createdAt,
          createdBy: user,
        }];
      }),
    );
    return [...named.values()];
  }
}

function usages(of: readonly { name: string; usage: unknown }[]) {
  return Object.fromEntries(
    of.flatMap(({ name, usage }) => usage === null ? [] : [[name, usage]]),
  );
}
