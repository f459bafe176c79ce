/**
 * All domains of the node: those of ours with their handles, and those of
 * others, as libvirt has them.
 *
 * One look serves all who ask while it is waited for to begin; a look that began
 * before a question never answers it. A look that fails changes nothing: what a
 * silent daemon has is not known, and not gone.
 *
 * @module
 */
import { messageOf } from "../../error/mod.ts";
import type { DiskUser } from "../disk_holder.ts";
import type { DomainReport } from "../driver.ts";
import { ForeignNews } from "../foreign_news.ts";
import { saveHandle } from "../kept_handles.ts";
import { untilAborted } from "../turns.ts";
import { Domain } from "./domain.ts";
import { describe, type Described } from "./domain_reading.ts";
import { isLive, liveState } from "./domain_state.ts";
import { offSince } from "./ending.ts";
import type { LibvirtEnvironment } from "./environment.ts";
import { handleOfMark, loadHandles } from "./handle.ts";
import { lookAround, type Sighting } from "./sighting.ts";

/** How many definitions are read beside each other: each takes a process. */
const READ_AT_ONCE = 4;

/** A domain of others. */
export interface Foreign {
  readonly sighting: Sighting;
  readonly described: Described;
}

/** What the node has. */
export class Book {
  /** Domains of ours, by uid. */
  readonly domains = new Map<string, Domain>();
  readonly #env: LibvirtEnvironment;
  readonly #uids = new Map<string, string>();
  readonly #foreign = new Map<string, Foreign>();
  readonly #news: ForeignNews;
  #looks = 0;
  #current: Promise<void> = Promise.resolve();
  #next: Promise<void> | null = null;

  constructor(env: LibvirtEnvironment) {
    this.#env = env;
    this.#news = new ForeignNews(env.publish);
  }

  /** Reads the handles of an earlier life. */
  async load(): Promise<void> {
    const { handles, errors } = await loadHandles(this.#env.layout);
    for (const error of errors) {
      this.#env.log("error", "cannot read a handle", { error });
    }
    for (const handle of handles) this.add(new Domain(this.#env, handle));
  }

  /** Takes in a domain of ours; only looks from now on tell of it. */
  add(domain: Domain): void {
    this.domains.set(domain.handle.uid, domain);
    this.#uids.set(domain.uuid, domain.handle.uid);
    this.#foreign.delete(domain.uuid);
    this.touch(domain);
  }

  /** Forgets a domain of ours. */
  remove(domain: Domain): void {
    this.domains.delete(domain.handle.uid);
    this.#uids.delete(domain.uuid);
  }

  /** A verb has changed `domain`: only looks from now on tell of it. */
  touch(domain: Domain): void {
    domain.firstLook = this.#looks + 1;
  }

  /** Looks at all there is. Throws `unavailable`, and has changed nothing then. */
  look(signal?: AbortSignal): Promise<void> {
    this.#next ??= this.#current.catch(() => {}).then(() => {
      this.#next = null;
      this.#current = this.#lookNow();
      return this.#current;
    });
    const look = this.#next;
    look.catch(() => {}); // told to whoever still waits
    return signal === undefined ? look : untilAborted(look, signal);
  }

  /** Who has this name with libvirt, but for the domain of `uuid`; null when it is free. */
  holderOfName(name: string, uuid: string): string | null {
    const others = [
      ...[...this.domains.values()].flatMap(({ sighting }) => sighting ?? []),
      ...[...this.#foreign.values()].map(({ sighting }) => sighting),
    ];
    return others.find((other) => other.name === name && other.uuid !== uuid)
      ?.uuid ?? null;
  }

  /** The domain of ours with this UUID. */
  byUuid(uuid: string): Domain | undefined {
    return this.domains.get(this.#uids.get(uuid) ?? "");
  }

  /** The domain of others with this UUID. */
  foreign(uuid: string): Foreign | undefined {
    return this.#foreign.get(uuid);
  }

  /** What is told of others' domains. */
  foreignReports(): DomainReport[] {
    return [...this.#foreign.values()].map(reportForeign);
  }

  /** Those of others that are up, with their disks. */
  foreignDiskUsers(): DiskUser[] {
    return [...this.#foreign.values()]
      .filter(({ sighting }) => isLive(sighting))
      .map(({ sighting: { name }, described: { disks } }) => ({ name, disks }));
  }

  /** What it was told of a domain of others may have changed. */
  forgetForeign(name: string): void {
    for (const [uuid, { sighting }] of this.#foreign) {
      if (sighting.name === name) this.#foreign.delete(uuid);
    }
  }

  /** The domain of ours that libvirt calls so. */
  byName(name: string): Domain | undefined {
    return [...this.domains.values()].find(({ sighting, handle }) =>
      (sighting?.name ?? handle.name) === name
    );
  }

  async #lookNow(): Promise<void> {
    const number = ++this.#looks;
    const seen = await lookAround(this.#env.virsh);
    await this.#meet(seen);
    const isOurs = (uuid: string) => this.#uids.has(uuid);
    this.#news.tell(this.foreignReports(), isOurs);
    await Promise.all([...this.domains.values()].map(async (domain) => {
      if (domain.firstLook > number) return;
      await domain.see(seen.get(domain.uuid) ?? null);
    }));
  }

  /** Finds out whose those are that were not there before. */
  async #meet(seen: ReadonlyMap<string, Sighting>): Promise<void> {
    for (const uuid of this.#foreign.keys()) {
      if (!seen.has(uuid)) this.#foreign.delete(uuid);
    }
    const strangers: Sighting[] = [];
    for (const [uuid, sighting] of seen) {
      const known = this.#foreign.get(uuid);
      if (known?.sighting.name === sighting.name) {
        this.#foreign.set(uuid, { ...known, sighting });
      } else if (!this.#uids.has(uuid)) strangers.push(sighting);
    }
    if (strangers.length === 0) return;
    const described = await this.#describe(strangers.map(({ uuid }) => uuid));
    for (const sighting of strangers) {
      const its = described.get(sighting.uuid);
      if (its === undefined || this.#uids.has(sighting.uuid)) continue;
      // A copy that somebody has made of one of ours bears its mark, too.
      if (
        its.mark?.home === this.#env.layout.home &&
        !this.domains.has(its.mark.uid)
      ) await this.#takeIn(its.mark, sighting);
      else this.#foreign.set(sighting.uuid, { sighting, described: its });
    }
  }

  /** A domain of ours whose handle was lost. */
  async #takeIn(
    mark: NonNullable<Described["mark"]>,
    sighting: Sighting,
  ): Promise<void> {
    this.#env.log("warn", "adopted a domain whose handle was lost", {
      uid: mark.uid,
    });
    const domain = new Domain(this.#env, {
      ...handleOfMark(mark, this.#env.bootId),
      uuid: sighting.uuid,
    });
    this.add(domain);
    domain.firstLook = 0;
    await saveHandle(this.#env.layout, domain.handle);
  }

  async #describe(
    uuids: readonly string[],
  ): Promise<ReadonlyMap<string, Described>> {
    const found = new Map<string, Described>();
    const left = [...uuids];
    const readOn = async () => {
      for (let uuid = left.pop(); uuid !== undefined; uuid = left.pop()) {
        const described = await this.#read(uuid);
        if (described !== null) found.set(uuid, described);
      }
    };
    await Promise.all(Array.from({ length: READ_AT_ONCE }, readOn));
    return found;
  }

  /** Null for one that has gone in this very moment, or that this usher cannot read. */
  async #read(uuid: string): Promise<Described | null> {
    try {
      return describe(
        await this.#env.virsh.ask(["dumpxml", "--inactive", uuid]),
      );
    } catch (error) {
      this.#env.log("debug", "cannot read a domain", {
        uuid,
        error: messageOf(error),
      });
      return null;
    }
  }
}

function reportForeign({ sighting, described }: Foreign): DomainReport {
  const { uuid, name } = sighting;
  const { memoryMiB, vcpus } = described;
  const state = offSince(sighting) ?? liveState(sighting);
  return {
    uid: null,
    domain: uuid,
    name,
    ...state,
    incarnation: null,
    generation: 0,
    ...(memoryMiB === null ? {} : { memoryMiB }),
    ...(vcpus === null ? {} : { vcpus }),
  };
}
