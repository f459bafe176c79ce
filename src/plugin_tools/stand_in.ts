/**
 * A stand-in for a controller: it answers what a plugin asks while it is
 * checked, and keeps what the plugin would have done.
 *
 * @module
 */
import type {
  AskAnswerer,
  Asking,
  AskName,
  AskParams,
} from "../plugin/asks.ts";
import { compileName } from "../core/selector.ts";
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
  readonly #site: ShownSite;
  readonly #state = new Map<string, unknown>();

  constructor(site: ShownSite) {
    this.#site = site;
  }

  answer<N extends AskName>(
    name: N,
    params: AskParams<N>,
    _asking: Asking,
  ): Promise<unknown> {
    const answer = this.#answers[name] as (params: unknown) => unknown;
    return Promise.resolve(answer(params) ?? null);
  }

  readonly #answers: { [N in AskName]: (params: AskParams<N>) => unknown } = {
    "vms.list": ({ name, node, state, after = "", limit }) => {
      const isMeant = name === undefined ? () => true : compileName(name);
      return this.#site.vms.filter((vm) =>
        isMeant(vm.name) && (node === undefined || vm.node === node) &&
        (state === undefined || vm.status.state === state) && vm.name > after
      ).toSorted((a, b) => a.name < b.name ? -1 : 1).slice(0, limit);
    },
    "vms.get": ({ name }) => this.#site.vms.find((vm) => vm.name === name),
    "vms.isAwaited": () => false,
    "nodes.list": () => this.#site.nodes,
    "nodes.get": ({ name }) =>
      this.#site.nodes.find((node) => node.name === name),
    "usage.vms": ({ after = "", limit }) =>
      usages(this.#site.vms.filter(({ name }) => name > after).slice(0, limit)),
    "usage.nodes": () => usages(this.#site.nodes),
    "clusters.list": () => this.#clusters(),
    "clusters.get": ({ name }) =>
      this.#clusters().find((cluster) => cluster.name === name),
    "history.operations": () => [],
    "history.vm": () => [],
    "history.node": () => [],
    "history.usage": () => [],
    fire: () => null,
    request: (params) => `stand-in-${this.requests.push(params)}`,
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
    "schedule.at": () => null,
    "schedule.cancel": () => null,
    "accounts.check": () => ({ valid: false, role: null }),
    "accounts.checkNode": () => ({ valid: false }),
  };

  #clusters() {
    const named = new Map(
      this.#site.vms.map(({ name, createdAt }) => {
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
