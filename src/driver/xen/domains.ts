/**
 * The domains of this host: ours by their handles, others as Xen shows them.
 *
 * Whatever Xen shows is taken in here: each look gives every domain of ours its
 * row, finds those whose handle was lost by their marker, and tells what is
 * news of the others.
 *
 * @module
 */
import type { DomainReport } from "../driver.ts";
import { ForeignNews } from "../foreign_news.ts";
import { uuidOfUid } from "../identity.ts";
import { Domain } from "./domain.ts";
import { foreignState } from "./domain_state.ts";
import type { XenEnvironment } from "./environment.ts";
import { handleOfMarker, loadHandles } from "./handle.ts";
import type { Row } from "./listing.ts";
import { rowsOf } from "./undo.ts";

/** All domains. */
export class Domains {
  readonly #env: XenEnvironment;
  readonly #own = new Map<string, Domain>();
  /** Uuids that Xen showed and that are known to bear no marker of ours. */
  #strangers = new Set<string>();
  readonly #news: ForeignNews;

  constructor(env: XenEnvironment) {
    this.#env = env;
    this.#news = new ForeignNews(env.publish);
  }

  /** Finds what an earlier life has kept. */
  async load(): Promise<void> {
    const { layout, log } = this.#env;
    const { handles, errors } = await loadHandles(layout);
    for (const error of errors) log("error", "cannot read a handle", { error });
    for (const handle of handles) this.add(new Domain(this.#env, handle));
  }

  get(uid: string): Domain | undefined {
    return this.#own.get(uid);
  }

  all(): Domain[] {
    return [...this.#own.values()];
  }

  add(domain: Domain): void {
    this.#own.set(domain.handle.uid, domain);
  }

  delete(uid: string): void {
    this.#own.delete(uid);
  }

  /**
   * Those that usher did not make, as Xen showed them last. One whose creation
   * has just begun is told once it has its name, which is kept from then on.
   */
  foreign(rows: readonly Row[]): DomainReport[] {
    const ours = new Set([...this.#own.keys()].map(uuidOfUid));
    return rows.filter((row) =>
      !ours.has(row.uuid) && !row.dying && hasName(row)
    ).map(foreignReport);
  }

  /** Takes in what Xen shows. */
  async takeIn(rows: readonly Row[]): Promise<void> {
    await this.#findLost(rows);
    for (const [uid, domain] of this.#own) {
      // A copy that comes in from this same host has its uuid, too.
      const own = rowsOf(rows, uid);
      domain.see(own.find((row) => !row.shutdown) ?? own[0] ?? null);
    }
    this.#news.tell(this.foreign(rows));
  }

  async #findLost(rows: readonly Row[]): Promise<void> {
    const { store, layout, bootId, log } = this.#env;
    const seen = new Set<string>();
    for (const { uuid } of rows) {
      seen.add(uuid);
      if (this.#strangers.has(uuid)) continue;
      if (this.all().some(({ handle }) => uuidOfUid(handle.uid) === uuid)) {
        continue;
      }
      const marker = await store.marker(uuid);
      const isOurs = marker?.stateDir === layout.stateDir &&
        uuidOfUid(marker.uid) === uuid;
      // A start may have come while the store was asked.
      if (!isOurs) this.#strangers.add(uuid);
      else if (!this.#own.has(marker.uid)) {
        log("warn", "found a domain whose handle was lost", {
          uid: marker.uid,
        });
        const domain = new Domain(this.#env, handleOfMarker(marker, bootId));
        this.add(domain);
        await domain.keep({});
      }
    }
    this.#strangers = new Set(
      [...this.#strangers].filter((uuid) => seen.has(uuid)),
    );
  }
}

function hasName({ name }: Row): boolean {
  return name !== "" && name !== "(null)";
}

function foreignReport(row: Row): DomainReport {
  const { uuid, name, memoryMiB, vcpus } = row;
  return {
    uid: null,
    domain: uuid,
    name,
    ...foreignState(row),
    incarnation: null,
    generation: 0,
    memoryMiB,
    // Of one that has shut down Xen tells none.
    ...(vcpus > 0 ? { vcpus } : {}),
  };
}
