/**
 * What runs are made from, and what they are aborted with.
 *
 * @module
 */
import type { CtrlContext } from "../context.ts";
import type { Domains } from "../nodes/domains.ts";
import type { Gathering } from "../nodes/gathering.ts";
import type { Leftovers } from "../nodes/leftovers.ts";
import type { NodeLinks } from "../nodes/node_links.ts";
import type { Records } from "../records/records.ts";

/** Why a run was aborted. */
export class Cancel {
  constructor(readonly why: string, readonly takeover: boolean) {}
}

/** Who knows which VMs are being registered. */
export interface Registering {
  /** Whether a VM's `register` chain has not ended. */
  isRegistering(uid: string): boolean;
  /** Resolves once it has; rejects when `signal` aborts. */
  registered(uid: string, signal: AbortSignal): Promise<void>;
}

/** What runs work with. */
export interface RunParts {
  readonly context: CtrlContext;
  readonly records: Records;
  readonly links: NodeLinks;
  readonly domains: Domains;
  readonly leftovers: Leftovers;
  readonly gathering: Gathering;
  readonly outbox: Registering;
  /** Aborts when the controller ends: then a run stops where it is. */
  readonly stopped: AbortSignal;
  /** Whether what is known of the VM may be wrong. */
  isUncertain(uid: string): boolean;
}
