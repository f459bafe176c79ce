/**
 * Adopting domains that usher did not make, where the node's configuration
 * says so.
 *
 * What is adopted is the driver's to keep; here stands only which are wanted.
 * A domain that cannot be adopted stays what it was, somebody else's, and that
 * is said once. The choice is the node's and not the controller's: who owns the
 * machine decides what of it is usher's, also while no controller is there.
 *
 * @module
 */
import { messageOf, UsherError } from "../error/mod.ts";
import type { DomainReport, Driver } from "../driver/driver.ts";
import type { LnmConfig } from "../schema/config.ts";
import type { Log } from "../sys/log.ts";

/** A domain of an adopted one's first generation; a new spec makes the next. */
const FIRST_GENERATION = 1;

/** Adopts what is wanted of a node. */
export class Adopter {
  /** By driver, names of which `*` at the end matches any rest. */
  readonly #wanted: ReadonlyMap<string, readonly string[]>;
  readonly #newId: () => string;
  readonly #log: Log;
  readonly #told = new Set<string>();
  /** A list and a watch may come upon a domain at once. */
  readonly #adopting = new Map<string, Promise<DomainReport>>();

  constructor(
    wanted: ReadonlyMap<string, readonly string[]>,
    newId: () => string,
    log: Log,
  ) {
    this.#wanted = wanted;
    this.#newId = newId;
    this.#log = log;
  }

  /** The report, or that of the domain once it is adopted. Throws what the signal aborts with alone. */
  async adopted(
    driver: Driver,
    report: DomainReport,
    signal: AbortSignal,
  ): Promise<DomainReport> {
    if (!this.#isWanted(driver.name, report)) return report;
    const key = `${driver.name} ${report.domain}`;
    const adopting = this.#adopting.get(key) ??
      this.#adopt(driver, report, signal);
    this.#adopting.set(key, adopting);
    try {
      return await adopting;
    } catch (error) {
      signal.throwIfAborted();
      this.#tell(key, driver, report, messageOf(error));
      return report;
    } finally {
      this.#adopting.delete(key);
    }
  }

  #isWanted(driver: string, { uid, state, name }: DomainReport): boolean {
    const wanted = this.#wanted.get(driver) ?? [];
    return uid === null && state !== "absent" &&
      wanted.some((pattern) => matches(name, pattern));
  }

  async #adopt(
    driver: Driver,
    { domain, name }: DomainReport,
    signal: AbortSignal,
  ): Promise<DomainReport> {
    if (driver.adoption === undefined) {
      throw new UsherError(
        "unsupported",
        `Driver "${driver.name}" cannot adopt a domain`,
      );
    }
    const report = await driver.adoption.adopt(domain, {
      uid: this.#newId(),
      name,
      generation: FIRST_GENERATION,
      incarnation: this.#newId(),
    }, signal);
    this.#log.info("adopted a domain", { driver: driver.name, domain, name });
    return report;
  }

  #tell(key: string, driver: Driver, { name }: DomainReport, error: string) {
    if (this.#told.has(key)) return;
    this.#told.add(key);
    const which = { driver: driver.name, domain: name };
    this.#log.warn("cannot adopt a domain: it is left alone", {
      ...which,
      error,
    });
  }
}

/** What a node's configuration wants adopted, by driver. */
export function wantedOf(
  { drivers }: Pick<LnmConfig, "drivers">,
): ReadonlyMap<string, readonly string[]> {
  return new Map(
    Object.entries(drivers).flatMap(([name, options]) =>
      "adopt" in options && options.adopt.length > 0
        ? [[name, options.adopt] as const]
        : []
    ),
  );
}

function matches(name: string, pattern: string): boolean {
  return pattern.endsWith("*")
    ? name.startsWith(pattern.slice(0, -1))
    : name === pattern;
}
