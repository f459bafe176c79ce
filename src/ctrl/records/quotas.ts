/**
 * Quotas as they hold: those that an administrator set, over those of the
 * configuration.
 *
 * A limit that is set counts from when it is durable. A quota outlives its
 * cluster: who deletes a cluster and makes it anew has the same one.
 *
 * @module
 */
import {
  hasUnsizedDisk,
  Ledger,
  NOTHING_TAKEN,
  plus,
  QUOTA_PARTS,
  type Take,
  takenKnown,
  takenOn,
} from "../../core/quota.ts";
import { UsherError } from "../../error/mod.ts";
import type { QuotasConfig } from "../../schema/config.ts";
import {
  type QuotaConfig,
  type QuotaLimits,
  type QuotaPart,
  QuotaRecord,
  type SetQuotaRequest,
} from "../../schema/quota.ts";
import { formatMiB } from "../../schema/quantity_text.ts";
import { isFoundName } from "../../schema/name.ts";
import type { Vm } from "../../schema/vm.ts";
import { keys } from "../../store/key.ts";
import type { Store } from "../../store/store.ts";
import { clusterPart, ownerPart } from "../auth/access.ts";
import type { Holdings } from "./holdings.ts";

const NO_LIMITS: QuotaLimits = {
  vms: null,
  vcpus: null,
  memory: null,
  disk: null,
};

/** What users and clusters may have. */
export class Quotas {
  readonly #set = new Map<string, QuotaRecord>();
  readonly #holdings: Holdings;
  #store: Store | null = null;
  #last: Promise<void> = Promise.resolve();
  #defaults: () => QuotasConfig = () => ({ user: {}, cluster: {} });

  constructor(holdings: Holdings) {
    this.#holdings = holdings;
  }

  /** Reads what was set; `defaults` says what holds for all others. */
  async load(store: Store, defaults: () => QuotasConfig): Promise<void> {
    this.#store = store;
    this.#defaults = defaults;
    for await (const { value } of store.list(keys.quotas())) {
      const record = QuotaRecord.parse(value);
      this.#set.set(record.subject, record);
    }
  }

  /** The limits of a user, or of a cluster as `cluster.user`. */
  limitsOf(subject: string): QuotaLimits {
    const { user, cluster } = this.#defaults();
    const config = subject.includes(".") ? cluster : user;
    const set = this.#set.get(subject)?.limits ?? {};
    return { ...NO_LIMITS, ...given(config), ...given(set) };
  }

  /** The parts that were set for `subject` itself. */
  setFor(subject: string): QuotaPart[] {
    const { limits = {} } = this.#set.get(subject) ?? {};
    return QUOTA_PARTS.filter((part) => limits[part] !== undefined);
  }

  /** Everybody for whom something was set. */
  subjects(): Iterable<string> {
    return this.#set.keys();
  }

  /** Sets limits; what is not named stays as it is. Resolves once that is durable. */
  set(
    subject: string,
    asked: SetQuotaRequest,
    who: { readonly by: string; readonly at: string },
  ): Promise<void> {
    // One after another, since each keeps what the one before it set.
    const done = this.#last.then(() => this.#write(subject, asked, who));
    this.#last = done.catch(() => {});
    return done;
  }

  async #write(
    subject: string,
    asked: SetQuotaRequest,
    { by, at }: { readonly by: string; readonly at: string },
  ): Promise<void> {
    const limits: { [part in QuotaPart]?: number | null | undefined } = {
      ...this.#set.get(subject)?.limits,
    };
    for (const part of QUOTA_PARTS) {
      const value = asked[part];
      if (value === "default") delete limits[part];
      else if (value !== undefined) limits[part] = value;
    }
    const record: QuotaRecord = { v: 1, subject, limits, by, at };
    const key = keys.quota(subject);
    const isEmpty = Object.keys(limits).length === 0;
    await this.#store?.commit([
      isEmpty ? { type: "delete", key } : { type: "set", key, value: record },
    ]);
    if (isEmpty) this.#set.delete(subject);
    else this.#set.set(subject, record);
  }

  /**
   * A ledger of what is left now, for VMs that are decided on together. It
   * holds for the synchronous step in which it is opened.
   */
  open(): QuotaLedger {
    return new QuotaLedger(
      new Ledger(
        (subject) => this.#holdings.taken(subject),
        (subject) => this.limitsOf(subject),
      ),
      this.#holdings,
    );
  }
}

/** What VMs ask for of the quotas of their owners and clusters. */
export class QuotaLedger {
  readonly #ledger: Ledger;
  readonly #holdings: Holdings;

  constructor(ledger: Ledger, holdings: Holdings) {
    this.#ledger = ledger;
    this.#holdings = holdings;
  }

  /**
   * Takes what a VM needs to be made known, to be turned on, or both; null,
   * or what it would be refused with: then nothing is taken.
   */
  take(
    vm: Vm,
    { isNew, turnsOn, verb }: {
      readonly isNew: boolean;
      readonly turnsOn: boolean;
      readonly verb: string;
    },
  ): UsherError | null {
    if (isFoundName(vm.name)) return null;
    let asked: Take = isNew ? takenKnown(vm.spec) : NOTHING_TAKEN;
    const goesOn = turnsOn && !this.#holdings.isOn(vm.uid);
    if (goesOn) asked = plus(asked, takenOn(vm.spec));
    if (!isNew && !goesOn) return null;
    const subjects = [ownerPart(vm.name), clusterPart(vm.name)];
    const what = `Cannot ${verb} VM "${vm.name}"`;
    const capped = subjects.find((subject) =>
      this.#ledger.limitsOf(subject).disk !== null
    );
    if (isNew && capped !== undefined && hasUnsizedDisk(vm.spec)) {
      return new UsherError(
        "quota_exceeded",
        `${what}: ${
          whose(capped)
        } has a quota of disk, and one of its disks has no size`,
        {
          subject: vm.name,
          field: "spec.disks",
          hint: "say how large its overlay may get: --disk base=…,size=20GiB",
        },
      );
    }
    const excess = this.#ledger.take(subjects, asked);
    if (excess === null) return null;
    const { subject, part, used, limit } = excess;
    return new UsherError(
      "quota_exceeded",
      `${what}: the quota of ${whose(subject)} is ${amount(part, limit)}, ${
        shown(part, used)
      } of it is used, and ${shown(part, excess.asked)} more is asked for`,
      {
        subject: vm.name,
        hint: `${
          FREE[part]
        }, or ask an administrator for more (usher quota set ${subject} --${part})`,
      },
    );
  }
}

const FREE: Readonly<Record<QuotaPart, string>> = {
  vms: "destroy others",
  vcpus: "turn others off",
  memory: "turn others off",
  disk: "destroy others",
};

const UNIT: Readonly<Record<QuotaPart, string>> = {
  vms: "VMs",
  vcpus: "vcpus",
  memory: "of memory",
  disk: "of disk",
};

/** A user or a cluster, for people. */
function whose(subject: string): string {
  return `${subject.includes(".") ? "cluster" : "user"} "${subject}"`;
}

function amount(part: QuotaPart, value: number): string {
  return `${shown(part, value)} ${UNIT[part]}`;
}

function shown(part: QuotaPart, value: number): string {
  return part === "memory" || part === "disk"
    ? formatMiB(value)
    : String(value);
}

/** Without what is not given, which would hide what is. */
function given(
  limits: QuotaConfig | QuotaRecord["limits"],
): Partial<QuotaLimits> {
  return Object.fromEntries(
    Object.entries(limits).filter(([, value]) => value !== undefined),
  );
}
