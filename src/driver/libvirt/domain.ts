/**
 * One domain of ours: its handle, what libvirt was last seen to say of it, and
 * what usher is doing to it.
 *
 * libvirt is the truth about whether it runs. How it ended is written into the
 * handle the first time that it is seen to have ended, since libvirt forgets that
 * with its own end or with the domain.
 *
 * @module
 */
import { isCopy } from "../carried/record.ts";
import { saveHandle } from "../kept_handles.ts";
import { News } from "../news.ts";
import type { DomainReport } from "../driver.ts";
import type { Ending } from "../ending.ts";
import type { Told } from "../guard/guarding.ts";
import { uuidOfUid } from "../identity.ts";
import { isLive, liveState, STATE } from "./domain_state.ts";
import { explainEnding } from "./ending.ts";
import type { LibvirtEnvironment } from "./environment.ts";
import type { Handle } from "./handle.ts";
import type { DomainFiles } from "./layout.ts";
import type { Sighting } from "./sighting.ts";

/** What usher is doing to a domain. */
export type Phase = "idle" | "starting" | "stopping";

/** A domain that this node has started, or taken over. */
export class Domain {
  readonly uuid: string;
  readonly files: DomainFiles;
  /** Rings whenever it may have changed. */
  readonly news = new News();
  handle: Handle;
  /** What the newest look has seen; null when libvirt has no such domain. */
  sighting: Sighting | null = null;
  /** Looks that began before this one saw it as it was before a verb, and count for nothing. */
  firstLook = 0;
  /** Its power is being cut: that is how it will have ended. */
  isCut = false;
  /** The daemon went away while it was started: whether it came up is not known. */
  isStartCut = false;
  /** What libvirt told of its end, in its own words; null before. */
  lastWords: string | null = null;
  readonly #env: LibvirtEnvironment;
  #phase: Phase = "idle";
  /** What is worth saying of it while it runs. */
  #note = "";
  #told = "";
  #saving: Promise<void> = Promise.resolve();

  constructor(env: LibvirtEnvironment, handle: Handle) {
    this.#env = env;
    this.handle = handle;
    this.uuid = handle.uuid ?? uuidOfUid(handle.uid);
    this.files = env.layout.files(handle.uid);
  }

  /** Whether libvirt has a process for it, that of a guest which crashed and is preserved included. */
  get isLive(): boolean {
    return this.sighting !== null && isLive(this.sighting);
  }

  /** Whether it has a guest that runs, or could go on. */
  get isUp(): boolean {
    return isUp(this.sighting);
  }

  /** Whether its guest runs, as far as the newest look has seen. */
  get runs(): boolean {
    return this.sighting !== null && isLive(this.sighting) &&
      liveState(this.sighting).state === "running";
  }

  /** Whether libvirt has it stand still for a migration. */
  get isHeldByMigration(): boolean {
    return this.sighting?.state === STATE.paused;
  }

  get phase(): Phase {
    return this.#phase;
  }

  set phase(phase: Phase) {
    this.#phase = phase;
    this.publish();
  }

  /** Says something about it for as long as it runs. */
  note(words: string): void {
    this.#note = words;
    this.publish();
  }

  /** What is known now, without asking anybody. */
  report(): DomainReport {
    const { uid, name, incarnation, generation } = this.handle;
    return {
      uid,
      domain: this.uuid,
      name,
      ...this.state(),
      incarnation,
      generation,
    };
  }

  state(): Told {
    if (this.#phase === "starting") return { state: "starting", reason: "" };
    const { move } = this.handle;
    if (move !== null && isCopy(move)) {
      const where = move.role === "target" ? "coming from" : "sent to";
      return { state: "migrating", reason: `${where} ${move.peer}` };
    }
    if (this.sighting === null || !isLive(this.sighting)) {
      return this.handle.ending ??
        { state: "stopped", reason: "nothing is known of its end" };
    }
    const seen = this.#env.told(this.handle, liveState(this.sighting));
    if (seen.held) return seen;
    // At the switch it stands still; where it is then is about to be told.
    const isSwitching = move?.phase === "sending" && !move.paused &&
      this.isHeldByMigration;
    if (seen.state !== "running" && !isSwitching) return seen;
    return this.#phase === "stopping"
      ? { state: "stopping", reason: "" }
      : { state: "running", reason: this.#note };
  }

  /** Tells whoever watches, if anything is new. */
  publish(): void {
    this.news.ring();
    const { state, reason } = this.state();
    const told = `${state}: ${reason}`;
    if (told === this.#told) return;
    this.#told = told;
    this.#env.publish(this.report());
  }

  /** Takes in what a look has seen; an end is told once it is settled. */
  async see(sighting: Sighting | null): Promise<void> {
    const { handle } = this;
    const isAway = handle.move !== null && handle.move.phase !== "sending";
    if (this.#phase !== "starting" && !isAway) {
      if (isUp(sighting)) {
        if (handle.ending !== null) this.#keep(null); // started by hand
      } else if (handle.ending === null) {
        const ending = await explainEnding(this.#env, this, sighting);
        if (this.handle !== handle) return; // another run has begun
        this.#keep(ending);
      }
    }
    this.sighting = sighting;
    this.publish();
  }

  /** What a verb is known to have made of it. */
  set(state: "running" | "paused"): void {
    const { uuid, handle } = this;
    const name = this.sighting?.name ?? handle.name;
    this.sighting = {
      uuid,
      name,
      state: STATE[state],
      reason: 1,
      isSaved: false,
    };
    this.publish();
  }

  /** Begins a run: what was known of the last one is over. */
  begin(handle: Handle): void {
    this.handle = handle;
    this.isCut = false;
    this.isStartCut = false;
    this.lastWords = null;
    this.#note = "";
  }

  /** Writes something down before anything is done upon it. */
  async keep(changes: Partial<Pick<Handle, "move" | "ending">>): Promise<void> {
    await this.#saving;
    const handle = { ...this.handle, ...changes };
    await saveHandle(this.#env.layout, handle);
    this.handle = handle;
    this.publish();
  }

  /** Writes down how it ended. Durable soon; until then libvirt says the same. */
  keepEnding(ending: Ending): void {
    this.#keep(ending);
    this.publish();
  }

  /** Resolves when all that was to be kept is durable. */
  settled(): Promise<void> {
    return this.#saving;
  }

  #keep(ending: Ending | null): void {
    const handle = { ...this.handle, ending };
    this.handle = handle;
    this.#saving = this.#saving
      .then(() => saveHandle(this.#env.layout, handle))
      .catch((error) =>
        this.#env.log("error", "cannot keep how a domain ended", {
          uid: handle.uid,
          error,
        })
      );
  }
}

function isUp(sighting: Sighting | null): boolean {
  return sighting !== null && isLive(sighting) &&
    liveState(sighting).state !== "crashed";
}
