/**
 * The path of requests and events that plugins brought about one in another,
 * and its end.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { Asking } from "../../plugin/asks.ts";
import type { Filed } from "../../schema/stored.ts";
import { MAX_DEPTH } from "../requests/plugin_caller.ts";
import type { Records } from "../records/records.ts";

/** Requests by the handlers that filed them. */
export class Paths {
  readonly #records: Records;
  /** Those that are on their way through the chains, and have no record yet. */
  readonly #underWay = new Map<string, Filed>();

  constructor(records: Records) {
    this.#records = records;
  }

  /** A request is on its way until the result is disposed of. */
  enter(request: string, filed: Filed): Disposable {
    this.#underWay.set(request, filed);
    return { [Symbol.dispose]: () => void this.#underWay.delete(request) };
  }

  /** The request for which a handler was called, or null. */
  causeOf({ operation, decision, event }: Asking): string | null {
    if (operation !== null) {
      return this.#records.operations.latest(operation)?.request ?? null;
    }
    const isOfRequest = event === "request" || event.endsWith("_request");
    return isOfRequest ? decision.split("/")[0] ?? null : null;
  }

  /** Throws `permission_denied`, naming how it came to this, when `deed` would be one too deep. */
  refuseTooDeep(asking: Asking, deed: string): void {
    if (asking.depth < MAX_DEPTH) return;
    throw new UsherError(
      "permission_denied",
      `Plugin "${asking.plugin}" may not ${deed}: ${MAX_DEPTH} led to one another already (${
        this.#pathTo(asking).join(", then ")
      })`,
      {
        subject: asking.plugin,
        hint:
          "one of these handlers must stop asking when it hears its own doing",
      },
    );
  }

  #pathTo(asking: Asking): string[] {
    const { decision, plugin, event } = asking;
    const path = [...handlersIn(decision)];
    const last = `${plugin} in ${event}`;
    if (path.at(-1) !== last) path.push(last);
    let cause = this.causeOf(asking);
    // Bounded like all it shows, should records ever name each other.
    for (let steps = 0; cause !== null && steps < MAX_DEPTH; steps++) {
      const filed = this.#underWay.get(cause) ??
        this.#records.requests.latest(cause)?.filed;
      if (filed === undefined) break;
      path.unshift(`${filed.plugin} in ${filed.event}`);
      cause = filed.cause;
    }
    return path;
  }
}

/** The handlers that a decision names, `…/EVENT/PLUGIN#N>…`: each fired what the next one heard. */
function* handlersIn(decision: string): Generator<string> {
  const parts = decision.split("/");
  for (const [i, part] of parts.entries()) {
    const plugin = /^([a-z0-9_]+)#\d+(>|$)/.exec(part)?.[1];
    if (plugin !== undefined) yield `${plugin} in ${parts[i - 1]}`;
  }
}
