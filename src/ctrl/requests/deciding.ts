/**
 * Requests whose chains have not ended: whom they wait for, and how they are
 * given up.
 *
 * Nothing is done before its chains have allowed a request, and nothing is
 * written of it but what handlers have answered so far. So one that waits can
 * be dropped at any moment. After a crash it goes on when it is sent again
 * under its id: who has answered is not asked again, and the others are with
 * the same decisions.
 *
 * @module
 */
import { isUsherError, UsherError } from "../../error/mod.ts";
import type { WaitingFor } from "../../plugin/events.ts";
import { type Caller, isConfined, requireVerb } from "../auth/caller.ts";
import type { Decision } from "../events/kept_answers.ts";
import { maySeeAll } from "../auth/access.ts";
import {
  allow,
  type Allowed,
  type Asking,
  type ChainParts,
} from "./request_chains.ts";
import type { Sent } from "./sent.ts";

interface Wait {
  readonly user: string;
  readonly verb: string;
  readonly session: string;
  /** What it is a part of; null for one that stands for itself. */
  readonly parent: string | null;
  readonly abort: AbortController;
}

/** The requests that are being decided. */
export class Deciding {
  readonly #parts: ChainParts;
  readonly #waits = new Map<string, Wait>();
  #isClosed = false;

  constructor(parts: ChainParts) {
    this.#parts = parts;
  }

  /**
   * What the chains of a request come to. Answers the refusal of one that is a
   * part of something, and throws that of any other.
   */
  async decide(
    sent: Sent,
    answers?: Decision,
  ): Promise<Allowed | UsherError> {
    const { id, caller, whole } = sent;
    if (this.#isClosed) throw ending();
    const abort = new AbortController();
    const parent = whole?.parent ?? null;
    const { user, session } = caller;
    const { verb } = sent.request;
    this.#waits.set(id, { user, verb, session, parent, abort });
    try {
      return await allow(sent, this.#parts, {
        signal: abort.signal,
        ...(answers === undefined ? {} : { answers }),
      });
    } catch (error) {
      if (whole !== undefined && isPolicy(error)) return error;
      throw error;
    } finally {
      this.#waits.delete(id);
    }
  }

  /** Gives up what waits as a part of `parent`, which is being stopped. */
  giveUpParts(parent: string, why: string): void {
    for (const [id, wait] of this.#waits) {
      if (wait.parent !== parent) continue;
      wait.abort.abort(
        new UsherError("cancelled", `Request "${id}" was cancelled: ${why}`, {
          subject: id,
        }),
      );
    }
  }

  /**
   * Lets go of all that waits, as the controller ends: that plugins end with
   * it must not count as their answer.
   */
  close(): void {
    this.#isClosed = true;
    for (const { abort } of this.#waits.values()) abort.abort(ending());
  }

  /** What they would come to; what handlers do meanwhile goes nowhere. */
  tryOut(asking: Asking): Promise<Allowed> {
    return allow(asking, this.#parts, { isReplay: true });
  }

  /** The handler that a request waits for; null when there is none that the caller may see. */
  waitingFor(id: string, caller: Caller): WaitingFor | null {
    return this.isSeenBy(id, caller) ? this.#parts.events.waitingFor(id) : null;
  }

  /** Whether a request waits, and `caller` may know of it. */
  isSeenBy(id: string, caller: Caller): boolean {
    const wait = this.#waits.get(id);
    return wait !== undefined &&
      (wait.user === caller.user || maySeeAll(caller));
  }

  /** Gives a request up; false when there is none that the caller may cancel. */
  giveUp(id: string, caller: Caller): boolean {
    const { user, role, session } = caller;
    const wait = this.#waits.get(id);
    if (wait === undefined || (wait.user !== user && role !== "admin")) {
      return false;
    }
    // Which VMs it is about is not known yet.
    if (isConfined(caller) && wait.session !== session) return false;
    requireVerb(caller, wait.verb);
    wait.abort.abort(
      new UsherError(
        "cancelled",
        `Request "${id}" was cancelled by ${user} before anything was done`,
        { subject: id },
      ),
    );
    return true;
  }
}

/** Nothing was done, and the next controller may be asked the same. */
function ending(): UsherError {
  return new UsherError("unavailable", "The controller ends", {
    hint: "send the request again under its id",
  });
}

/** Whether plugins are why something may not be. */
function isPolicy(error: unknown): error is UsherError {
  return isUsherError(error, "refused") || isUsherError(error, "plugin_failed");
}
