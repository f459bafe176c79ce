/**
 * What is told of domains that usher did not make: what is new of each since it
 * was told last, and once that it is gone.
 *
 * @module
 */
import type { DomainReport } from "./driver.ts";

/** What one driver has told of others' domains. */
export class ForeignNews {
  readonly #publish: (report: DomainReport) => void;
  /** As told last, by the driver's name for it. */
  #told: ReadonlyMap<string, DomainReport> = new Map();

  constructor(publish: (report: DomainReport) => void) {
    this.#publish = publish;
  }

  /** Tells what is new of `reports`, which are all that there are. One that `isOurs` by now is told of as such. */
  tell(
    reports: readonly DomainReport[],
    isOurs: (domain: string) => boolean = () => false,
  ): void {
    const now = new Map(reports.map((report) => [report.domain, report]));
    for (const [domain, report] of now) {
      const before = this.#told.get(domain);
      if (JSON.stringify(before) !== JSON.stringify(report)) {
        this.#publish(report);
      }
    }
    for (const [domain, report] of this.#told) {
      if (now.has(domain) || isOurs(domain)) continue;
      this.#publish({ ...report, state: "absent", reason: "" });
    }
    this.#told = now;
  }
}
