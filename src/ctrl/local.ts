/**
 * The controller that runs on a state directory, for whoever owns that.
 *
 * A running controller leaves beside its state where it listens and a token
 * that is good until it ends; who can read those is its administrator,
 * whatever else is broken.
 *
 * @module
 */
import { z } from "zod";
import { fromProblem, messageOf, UsherError } from "../error/mod.ts";
import { Problem } from "../schema/problem.ts";
import { type Clock, Deadline } from "../sys/clock.ts";
import { readTextOrNull, writeDurably } from "../sys/file.ts";
import { HttpClient } from "../sys/http_client.ts";

const TOKEN = "admin-token";
const PLACE = "controller.json";

/** How long an answer may take: each plugin that is new is started for one. */
const POST_MS = 120_000;

/** Where a controller is, and how its certificate is checked. */
const Place = z.object({ url: z.url(), caPem: z.string() });
type Place = z.infer<typeof Place>;

/** Leaves the token of the owner of `stateDir` there. */
export async function leaveToken(
  stateDir: string,
  token: string,
): Promise<void> {
  await writeDurably(`${stateDir}/${TOKEN}`, `${token}\n`);
}

/** Leaves word where the controller of `stateDir` listens. */
export async function leavePlace(
  stateDir: string,
  place: Place,
): Promise<void> {
  await writeDurably(`${stateDir}/${PLACE}`, `${JSON.stringify(place)}\n`);
}

/**
 * The token with which the owner of a state directory is an administrator,
 * whatever else is broken. Throws `unavailable` when no controller ran there.
 */
export async function readLocalToken(stateDir: string): Promise<string> {
  const token = await readTextOrNull(`${stateDir}/${TOKEN}`);
  if (token !== null) return token.trim();
  throw new UsherError(
    "unavailable",
    `No controller has run with the state ${stateDir}`,
    {
      hint:
        "run this on the controller's machine, as the owner of its state; --state names another directory",
    },
  );
}

/** One request. */
interface LocalRequest {
  readonly method?: string;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** Asks the running controller of `stateDir`; the answer's body is the caller's to read. */
export class LocalController implements Disposable {
  readonly #client: HttpClient;
  readonly #url: string;
  readonly #token: string;

  private constructor({ url, caPem }: Place, token: string) {
    this.#client = new HttpClient(caPem);
    this.#url = url;
    this.#token = token;
  }

  /** Throws `unavailable` when nobody left word there. */
  static async of(stateDir: string): Promise<LocalController> {
    const token = await readLocalToken(stateDir);
    const text = await readTextOrNull(`${stateDir}/${PLACE}`);
    const place = Place.safeParse(text === null ? null : parse(text));
    if (place.success) return new LocalController(place.data, token);
    throw new UsherError(
      "unavailable",
      `Cannot tell where the controller of ${stateDir} listens: it left no ${PLACE}`,
      { hint: "restart that controller; it may be of an older version" },
    );
  }

  /** Throws `unavailable` when it cannot be reached, and what it answers. */
  async get(path: string, signal: AbortSignal): Promise<Response> {
    const response = await this.#fetch(path, { signal });
    if (response.ok) return response;
    throw new UsherError(
      "unavailable",
      `The controller at ${this.#url} answered ${response.status}: ${
        (await response.text()).slice(0, 500)
      }`,
    );
  }

  /**
   * Posts `body` and reads the answer. Throws `unavailable` when it cannot be
   * reached, `interrupted` when it answers too late, and what it refuses with.
   */
  async post(
    path: string,
    body: unknown,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<unknown> {
    using deadline = new Deadline(clock, POST_MS, "answer", signal);
    let text: string;
    try {
      const response = await this.#fetch(path, {
        method: "POST",
        body: JSON.stringify(body),
        signal: deadline.signal,
      });
      text = await response.text();
      if (response.ok) return parse(text);
    } catch (error) {
      signal.throwIfAborted();
      if (!deadline.signal.aborted) throw error;
      throw new UsherError(
        "interrupted",
        `The controller at ${this.#url} has not answered for ${
          POST_MS / 1000
        } s`,
        { hint: "its log tells what became of it", cause: error },
      );
    }
    const problem = Problem.safeParse(parse(text));
    if (problem.success) throw fromProblem(problem.data);
    throw new UsherError(
      "unavailable",
      `The controller at ${this.#url} answered: ${text.slice(0, 500)}`,
    );
  }

  async #fetch(path: string, init: LocalRequest): Promise<Response> {
    const { signal } = init;
    try {
      return await this.#client.fetch(this.#url + path, {
        ...init,
        headers: {
          authorization: `Bearer ${this.#token}`,
          "content-type": "application/json",
        },
      });
    } catch (error) {
      signal.throwIfAborted();
      throw new UsherError(
        "unavailable",
        `Cannot reach the controller at ${this.#url}: ${messageOf(error)}`,
        {
          hint: "it holds the state; see why it does not answer",
          cause: error,
        },
      );
    }
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
