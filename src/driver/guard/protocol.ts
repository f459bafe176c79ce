/**
 * What a driver and its guard say to each other: one request and one answer a
 * connection, a line of JSON each.
 *
 * The guard of an older usher may meet the LNM of a newer one, so the names of
 * its files stay and fields are only ever added; what is not known is ignored.
 * Nothing here needs a package: the guard is small on purpose.
 *
 * @module
 */
import type { ProcessId } from "../../sys/process_table.ts";

/** A domain that the guard pauses when the lease is over; a driver adds how it is reached. */
export interface Target {
  readonly uid: string;
  readonly incarnation: string;
  readonly process: ProcessId;
}

/** What the guard did to a domain; durable before it is done. */
export interface Deed {
  /** By the hypervisor's own means, or SIGSTOP where that does not answer. */
  readonly how: "qmp" | "virsh" | "signal";
  /** The hypervisor said that the guest ran, and was told to pause it. */
  readonly wasRunning: boolean;
}

/** A domain with what was done to it. */
export type Held<T extends Target = Target> = T & Deed & {
  /** When, ISO 8601. */
  readonly at: string;
};

/** What the guard is asked. */
export type Request<T extends Target = Target> =
  /** The lease ends at `until`, in boot time; these are all the domains. */
  | {
    readonly do: "renew";
    readonly until: number;
    readonly targets: readonly T[];
  }
  /** Let these go on, if `until` is not over. */
  | {
    readonly do: "release";
    readonly uids: readonly string[];
    readonly until: number;
  }
  /** Somebody else resumes these: they are no longer held. */
  | { readonly do: "drop"; readonly uids: readonly string[] };

/** What it answers; each uid with the incarnation of its run. */
export interface Answer {
  readonly guarded: Readonly<Record<string, string>>;
  readonly held: Readonly<Record<string, string>>;
}

/** The files of a guard, in the run directory of its driver. */
export function guardFiles(runDir: string) {
  return {
    socket: `${runDir}/guard.sock`,
    lock: `${runDir}/guard.lock`,
    /** The process, as `ProcessId`. */
    pid: `${runDir}/guard.pid`,
    /** What is held, a list of `Held`. */
    held: `${runDir}/guard.held`,
    log: `${runDir}/guard.log`,
  } as const;
}

/** Reads what is held; empty when nothing is, or it cannot be understood. */
export function parseHeld<T extends Target>(text: string | null): Held<T>[] {
  try {
    const held = JSON.parse(text ?? "[]");
    return Array.isArray(held) ? held : [];
  } catch {
    return [];
  }
}
