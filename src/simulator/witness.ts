/**
 * The plugins of a simulated site: `users`, as it ships, and a witness, which
 * hears everything and refuses a request now and then.
 *
 * What it is told must be told in order: of a VM that it is known, before all
 * else, and that it is known no more, after all else; of a node that it came
 * and went, by turns. The same again after a crash is no second time.
 *
 * @module
 */
import * as users from "../../plugins/users.ts";
import type { Engine } from "../ctrl/engine.ts";
import type { PluginContext } from "../plugin/api.ts";
import type { PluginModule } from "../plugin/process/instance.ts";
import { EVENTS, isEventName } from "../schema/event.ts";
import type { PluginHosting } from "../ctrl/plugins/hosted.ts";
import { hostInProcess } from "../ctrl/plugins/in_process.ts";
import { keys } from "../store/key.ts";
import type { SimDisk } from "./disk.ts";
import type { Violation } from "./violation.ts";

/** One request of so many is refused. */
const REFUSED_ONE_OF = 23;

/** Clocks and reads: they say nothing of what is told. */
const HEARD = Object.keys(EVENTS).filter((event) =>
  !/^(periodic|timer|.*list_request|client_authenticate)$/.test(event)
);

/** What was last told of a VM, a node or a client. */
interface Last {
  readonly event: string;
}

/** Hears everything in a simulated site, over all lives of its controller. */
export class Witness {
  readonly #told = new Set<string>();
  readonly #last = new Map<string, Last>();
  /** VMs that were registered, and not unregistered since. */
  readonly #known = new Set<string>();
  /** The first that was found. */
  violation: Violation | null = null;

  /** How many events were told, each counted once. */
  get told(): number {
    return this.#told.size;
  }

  /** The plugins, to be hosted in this process. */
  hosting(): PluginHosting {
    const witness: PluginModule = {
      manifest: { name: "witness", version: "1.0.0", api: 1 },
      default: ({ definePlugin }: {
        definePlugin: (definition: unknown) => unknown;
      }) =>
        definePlugin({
          handlers: {
            "*": (args: unknown[], ctx: PluginContext) => this.#hear(args, ctx),
          },
        }),
    };
    return hostInProcess({ users, witness }, {
      witness: { events: HEARD },
    });
  }

  /** What was not told of the VMs that there are and were, once all is quiet. */
  lookAtEnd({ records }: Engine, disk: SimDisk): Violation | null {
    for (const { key: [kind, id] } of disk.records.values()) {
      if (kind !== keys.allTold()[0]) continue;
      return { invariant: "told", text: `event ${id} was never told` };
    }
    for (const { uid, name } of records.vms.values()) {
      if (this.#known.has(uid)) continue;
      return { invariant: "told", text: `${name} was never registered` };
    }
    for (const [lane, { event }] of this.#last) {
      const [group, uid = ""] = lane.split(" ");
      const isGone = group === "vm" && records.vms.get(uid) === undefined;
      if (!isGone || !this.#known.has(uid)) continue;
      const text = `${uid} is gone, and what was told last is "${event}"`;
      return { invariant: "told", text };
    }
    return null;
  }

  #hear([about]: unknown[], ctx: PluginContext): void {
    const { event, decision } = ctx;
    if (!isEventName(event)) return;
    if (EVENTS[event].class === "decides") {
      if (event === "request" && isUnlucky(decision)) ctx.refuse("unlucky");
      return;
    }
    if (this.#told.has(decision)) return;
    this.#told.add(decision);
    const its = about as { uid?: string; name?: string; id?: string };
    if (event === "register") this.#known.add(its.uid ?? "");
    if (event === "unregister") this.#known.delete(its.uid ?? "");
    const lane = `${EVENTS[event].group} ${its.uid ?? its.name ?? its.id}`;
    const last = this.#last.get(lane);
    this.#last.set(lane, { event });
    const isInOrder = follows(event, last?.event);
    if (isInOrder) return;
    const text = `${lane}: "${event}" was told after "${
      last?.event ?? "nothing"
    }"`;
    this.violation ??= { invariant: "told", text };
  }
}

/** Whether `event` may be told of something after `last`. */
function follows(event: string, last: string | undefined): boolean {
  switch (event) {
    case "register":
      return last === undefined || last === "unregister" ||
        last.endsWith("_failure");
    case "lnm_connect":
      return last === undefined || last === "lnm_disconnect";
    case "lnm_disconnect":
      return last === "lnm_connect";
    case "client_connect":
      return last === undefined;
    case "client_disconnect":
      return last === "client_connect";
    case "cluster_register":
      return last === undefined;
    case "state_change":
    case "unregister":
      return last !== undefined && last !== "unregister";
    default:
      // What an operation came to may be told of a VM that is gone, or never was.
      return true;
  }
}

/** The same for every call about a request, in every run of a seed. */
function isUnlucky(decision: string): boolean {
  const id = decision.split("/")[0] ?? "";
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + letter.charCodeAt(0)) % 65_521;
  return sum % REFUSED_ONE_OF === 0;
}
