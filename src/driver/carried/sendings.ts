/**
 * The sendings of a driver's migrations, one for each domain: each goes on
 * whoever waits for it, and whoever asks again waits for the same.
 *
 * @module
 */
import type { Transfer } from "../../schema/frame.ts";
import type { Progress } from "../../schema/operation.ts";
import { untilAborted } from "../turns.ts";

type Listener = (progress: Progress) => void;

interface Sending {
  /** The transfer's. */
  readonly id: string;
  readonly done: Promise<void>;
  readonly listeners: Set<Listener>;
}

/** Those under way, by the domain's uid. */
export class Sendings {
  readonly #sendings = new Map<string, Sending>();

  /**
   * Waits for the sending of `transfer`, which `begin` begins unless it is
   * under way. Throws what the sending throws, and the signal's reason when it
   * aborts: then the sending goes on.
   */
  async follow(
    uid: string,
    { id }: Pick<Transfer, "id">,
    begin: (onProgress: Listener) => Promise<void>,
    onProgress: Listener,
    signal: AbortSignal,
  ): Promise<void> {
    const known = this.#sendings.get(uid);
    const sending = known?.id === id ? known : this.#begin(uid, id, begin);
    sending.listeners.add(onProgress);
    try {
      await untilAborted(sending.done, signal);
    } finally {
      sending.listeners.delete(onProgress);
    }
  }

  /** Resolves once nothing sends the domain, whatever came of it. */
  async over(uid: string): Promise<void> {
    await this.#sendings.get(uid)?.done.catch(() => {});
  }

  /** Resolves once nothing at all is sent. */
  async settled(): Promise<void> {
    await Promise.allSettled(
      [...this.#sendings.values()].map(({ done }) => done),
    );
  }

  #begin(
    uid: string,
    id: string,
    begin: (onProgress: Listener) => Promise<void>,
  ): Sending {
    const listeners = new Set<Listener>();
    const done = begin((progress) =>
      listeners.forEach((listener) => listener(progress))
    );
    const sending = { id, done, listeners };
    this.#sendings.set(uid, sending);
    const forget = () => {
      if (this.#sendings.get(uid) === sending) this.#sendings.delete(uid);
    };
    done.then(forget, forget);
    return sending;
  }
}
