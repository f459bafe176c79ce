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
import { messageOf, UsherError } from "../error/mod.ts";
import { readTextOrNull, writeDurably } from "../sys/file.ts";
import { HttpClient } from "../sys/http_client.ts";

const TOKEN = "admin-token";
const PLACE = "controller.json";

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

/** How the owner of a state directory reaches the controller that runs on it. */
export interface LocalPlace {
  /** Its origin. */
  readonly controller: string;
  readonly caPem: string;
  readonly token: string;
}

/** Where that is. Throws `unavailable` when nobody left word there. */
export async function localPlace(stateDir: string): Promise<LocalPlace> {
  const token = await readLocalToken(stateDir);
  const text = await readTextOrNull(`${stateDir}/${PLACE}`);
  const place = Place.safeParse(text === null ? null : parse(text));
  if (place.success) {
    const { url: controller, caPem } = place.data;
    return { controller, caPem, token };
  }
  throw new UsherError(
    "unavailable",
    `Cannot tell where the controller of ${stateDir} listens: it left no ${PLACE}`,
    { hint: "restart that controller; it may be of an older version" },
  );
}

/** Asks the running controller of `stateDir`; the answer's body is the caller's to read. */
export class LocalController implements Disposable {
  readonly #client: HttpClient;
  readonly #url: string;
  readonly #token: string;

  private constructor({ controller, caPem, token }: LocalPlace) {
    this.#client = new HttpClient(caPem);
    this.#url = controller;
    this.#token = token;
  }

  /** Throws `unavailable` when nobody left word there. */
  static async of(stateDir: string): Promise<LocalController> {
    return new LocalController(await localPlace(stateDir));
  }

  /** Throws `unavailable` when it cannot be reached, and what it answers. */
  async get(path: string, signal: AbortSignal): Promise<Response> {
    const response = await this.#fetch(path, signal);
    if (response.ok) return response;
    throw new UsherError(
      "unavailable",
      `The controller at ${this.#url} answered ${response.status}: ${
        (await response.text()).slice(0, 500)
      }`,
    );
  }

  async #fetch(path: string, signal: AbortSignal): Promise<Response> {
    try {
      return await this.#client.fetch(this.#url + path, {
        headers: { authorization: `Bearer ${this.#token}` },
        signal,
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
