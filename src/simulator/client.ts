/**
 * A simulated client of the controller's API: it asks over its own route, gives
 * up when nothing comes back, and asks again with the same request id, as the
 * real client does.
 *
 * @module
 */
import { messageOf } from "../error/mod.ts";
import { encodeLine } from "../link/ndjson.ts";
import { Deadline } from "../sys/clock.ts";
import type { Controller } from "./controller.ts";
import type { Network } from "./network.ts";
import type { Random } from "./random.ts";
import { Route } from "./route.ts";
import { Process, type VirtualClock } from "./virtual_clock.ts";

/** How long an answer may take, in ms. */
const ANSWER_MS = 20_000;

/** How long it waits before it asks again, in ms. */
const AGAIN_MS = 1000;

/** What the API answered. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** What a client is made with. */
export interface ClientParts {
  readonly name: string;
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly network: Network;
  readonly controller: Controller;
}

/** A client of the API. */
export class Client {
  readonly name: string;
  readonly process: Process;
  readonly route: Route;
  readonly #parts: ClientParts;

  constructor(parts: ClientParts) {
    this.name = parts.name;
    this.#parts = parts;
    this.process = new Process(parts.clock);
    this.route = new Route(parts.random.fork("route"));
  }

  /** Asks until there is an answer, or `limitMs` is over (null). */
  async ask(
    method: string,
    path: string,
    body: unknown,
    limitMs: number,
  ): Promise<Answer | null> {
    const until = this.process.monotonic() + limitMs;
    while (this.process.monotonic() < until) {
      try {
        const answer = await this.#once(method, path, body);
        if (answer.status < 500) return answer;
      } catch (error) {
        void messageOf(error); // whatever it was, it is asked again
      }
      await this.process.sleep(AGAIN_MS);
    }
    return null;
  }

  /** Opens the answer to a request without waiting for its end. */
  open(
    method: string,
    path: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<Response> {
    const { controller, network } = this.#parts;
    const bytes = body === undefined ? new Uint8Array() : encodeLine(body);
    return network.connect({
      route: this.route,
      client: this.process,
      server: () =>
        controller.clients((stream) =>
          new Request(`https://ctrl${path}`, {
            method,
            headers: { authorization: `Bearer ${controller.token}` },
            ...(body === undefined ? {} : { body: stream, duplex: "half" }),
          })
        ),
      body: new Response(bytes).body!,
      signal,
    });
  }

  async #once(method: string, path: string, body: unknown): Promise<Answer> {
    using deadline = new Deadline(this.process, ANSWER_MS, "answer");
    const response = await this.open(method, path, body, deadline.signal);
    const text = await response.text();
    return { status: response.status, body: JSON.parse(text) };
  }
}
