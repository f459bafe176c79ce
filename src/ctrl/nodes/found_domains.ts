/**
 * Domains that usher did not make: which record is whose, and what it is
 * called.
 *
 * A hypervisor tells its domains apart by a name of its own, usher by a label
 * made of what people call them. Several may come to one label (`Web_1` and
 * `web-1`, or two QEMUs of one name), so the record keeps what the driver
 * calls the domain, and each has a record of its own.
 *
 * @module
 */
import { type DomainFrame, domainKey } from "../../schema/frame.ts";
import { FOUND_OWNER, isLabel, splitVmName } from "../../schema/name.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Records } from "../records/records.ts";

/** The found domains of all nodes. */
export class FoundDomains {
  readonly #records: Records;
  /** Uids, by node and what the driver calls the domain; of some that are gone, too. */
  readonly #uids = new Map<string, string>();
  /** Names given in this turn, which no record holds yet. */
  #given = new Set<string>();

  constructor(records: Records) {
    this.#records = records;
    for (const { found, node, domain, uid } of records.vms.values()) {
      if (found && domain !== undefined) {
        this.#uids.set(`${node} ${domain}`, uid);
      }
    }
  }

  /** The record of a domain without a uid; undefined when it has none. */
  find(node: string, domain: DomainFrame): Vm | undefined {
    const { vms } = this.#records;
    const uid = this.#uids.get(keyOf(node, domain));
    const vm = uid === undefined ? undefined : vms.latest(uid);
    if (vm?.found === true) return vm;
    // One of before the record said what the driver calls it.
    const same = this.#records.byName(foundName(node, domain.name));
    return same?.found === true && same.domain === undefined ? same : undefined;
  }

  /** Notes that the record `uid` is that of a domain. */
  note(node: string, domain: DomainFrame, uid: string): void {
    this.#uids.set(keyOf(node, domain), uid);
  }

  /** `name`, or one like it that no VM has. It is taken until the turn is over. */
  freeName(name: string): string {
    const { vm, cluster, user } = splitVmName(name);
    let free = name;
    for (let i = 2; this.#isTaken(free); i++) {
      free = `${vm.slice(0, 58)}-${i}.${cluster}.${user}`;
    }
    if (this.#given.size === 0) queueMicrotask(() => this.#given = new Set());
    this.#given.add(free);
    return free;
  }

  #isTaken(name: string): boolean {
    return this.#given.has(name) || this.#records.byName(name) !== undefined;
  }
}

function keyOf(node: string, domain: DomainFrame): string {
  return `${node} ${domainKey(domain)}`;
}

/** The name of a domain that usher did not make: `NAME.NODE.found`. */
export function foundName(node: string, domain: string): string {
  const first = domain.toLowerCase().replace(/[^a-z0-9-]+/g, "-").replace(
    /^-+|-+$/g,
    "",
  ).slice(0, 63)
    .replace(/-+$/, "");
  return `${isLabel(first) ? first : "domain"}.${node}.${FOUND_OWNER}`;
}

/** What a found domain has, within what a VM may have. */
export function foundSpec({ driver, memoryMiB, vcpus }: DomainFrame) {
  return {
    driver,
    ...(memoryMiB === undefined
      ? {}
      : { memoryMiB: within(memoryMiB, 16, 64 * 1024 * 1024) }),
    ...(vcpus === undefined ? {} : { vcpus: within(vcpus, 1, 512) }),
  };
}

function within(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.round(value)));
}
