/**
 * Admission: who gets in, clients and nodes alike.
 *
 * What decides is the chain of the event, as in the original: the last value
 * wins, a handler that fails refuses, and where no plugin is registered nobody
 * gets in. Whatever a handler says of it, no secret leaves this file.
 *
 * @module
 */
import { isUsherError, UsherError } from "../../error/mod.ts";
import type { Events } from "../../plugin/events.ts";
import type { Credentials, Identity } from "../../schema/event_value.ts";
import { FOUND_OWNER, isLabel } from "../../schema/name.ts";
import type { CtrlContext } from "../context.ts";

/** What admission works with. */
export interface AdmissionParts {
  readonly context: CtrlContext;
  readonly events: Events;
}

/**
 * Nodes that are asked about in a second, after the first so many. All of them
 * come back at once after a break, and what answers is held to a rate of its
 * own: a plugin that was asked more often would count as one that fails.
 */
const NODES_PER_SECOND = 1000;
const NODES_AT_ONCE = 500;

/** Nobody knows better than that of a user. */
const UNKNOWN: Identity = { role: null, groups: [] };

/** Lets clients and nodes in. */
export class Admission {
  readonly #parts: AdmissionParts;
  /** When the next node may be asked about, if none had been for long. */
  #nextNodeAt = -Infinity;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** Says in the log, loudly, what nobody can do while no plugin decides about it. */
  warn(): void {
    const { events, context: { log } } = this.#parts;
    const hint = 'register one in ctrl.yaml, such as "users"';
    if (!events.isRegistered("client_authenticate")) {
      log.error(
        'nobody can log in: no plugin is registered for "client_authenticate"; "usher ctrl admin-token" works on this machine',
        { hint },
      );
    }
    if (!events.isRegistered("lnm_authenticate")) {
      log.error(
        'no node can connect: no plugin is registered for "lnm_authenticate"',
        { hint },
      );
    }
  }

  /**
   * What is known of a user whose password is right. Throws `unauthenticated`,
   * and `plugin_failed` when it could not be checked.
   */
  async client(credentials: Credentials): Promise<Identity> {
    const { events } = this.#parts;
    if (!events.isRegistered("client_authenticate")) {
      throw new UsherError(
        "unauthenticated",
        'Nobody can log in: no plugin is registered for "client_authenticate"',
        {
          hint:
            '"usher ctrl admin-token" works on the controller\'s machine; register a plugin such as "users" in ctrl.yaml',
        },
      );
    }
    const { user } = credentials;
    // It is going to own VMs, so it must be able to stand in their names.
    if (!isLabel(user) || user === FOUND_OWNER) throw wrongPassword();
    const { args: [, isValid, identity] } = await this.#decide(() =>
      events.decide(
        "client_authenticate",
        [credentials, false, UNKNOWN],
        { decision: this.#name("client") },
      )
    );
    if (!isValid) throw wrongPassword();
    return identity;
  }

  /**
   * Checks what a node says it is. Throws `unauthenticated`, and what may pass
   * when it could not be checked: the node comes again then.
   */
  async node(credentials: Credentials): Promise<void> {
    const { events } = this.#parts;
    if (!events.isRegistered("lnm_authenticate")) {
      throw new UsherError(
        "unavailable",
        'No node can connect: no plugin is registered for "lnm_authenticate"',
        {
          hint: 'register one in the controller\'s ctrl.yaml, such as "users"',
        },
      );
    }
    await this.#turnOfNode();
    const { args: [, isValid] } = await this.#decide(() =>
      events.decide(
        "lnm_authenticate",
        [credentials, false],
        { decision: this.#name("lnm") },
      )
    );
    if (isValid) return;
    throw new UsherError(
      "unauthenticated",
      `Node "${credentials.user}" is unknown here, or its secret is wrong`,
      { hint: 'join again with a token from "usher node token"' },
    );
  }

  async #turnOfNode(): Promise<void> {
    const { clock } = this.#parts.context;
    const eachMs = 1000 / NODES_PER_SECOND;
    const now = clock.monotonic();
    const at = Math.max(this.#nextNodeAt, now - NODES_AT_ONCE * eachMs);
    this.#nextNodeAt = at + eachMs;
    if (at > now) await clock.sleep(at - now);
  }

  /** A handler that says no is not let in either, for the reason that it gives. */
  async #decide<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!isUsherError(error, "refused")) throw error;
      throw new UsherError("unauthenticated", error.message, error.details);
    }
  }

  /** Every try is one of its own, and nothing of it is kept. */
  #name(what: string): string {
    return `${what}-${this.#parts.context.newId()}`;
  }
}

/** The same whatever was wrong. */
function wrongPassword(): UsherError {
  return new UsherError("unauthenticated", "User name or password is wrong");
}
