/**
 * What VMs or nodes have used, in frames: one moment, and a place for each.
 *
 * Memory is bounded for all together, not for each: a site of 5,000 VMs has a
 * day by the minute in 60 MB, one of 100,000 the last half hour by the minute
 * and nine hours by quarters of an hour. When there is no more
 * room, frames of minutes become means of a quarter of an hour, the oldest
 * first, and when all have, the oldest goes.
 *
 * @module
 */
import type { UsageSample } from "../../plugin/api.ts";
import { isoTime } from "../../sys/clock.ts";

/** What all samples of one kind may take. */
export const USAGE_BYTES = 60 * 1024 * 1024;

/** No sample is older. */
const MAX_AGE_MS = 24 * 3_600_000;

/** Frames that are made one when room is short. */
const MERGED = 15;

/** The newest ones stay as they are: half an hour by the minute. */
const FINE = 30;

/** Bytes of one sample: two floats. */
const SAMPLE_BYTES = 8;

/** Processors busy and memory in MiB; null where it is not known. */
export type Sample = Pick<UsageSample, "cpu" | "memoryMiB">;

interface Frame {
  readonly at: number;
  readonly isMerged: boolean;
  /** By place; NaN where nothing is known. */
  readonly cpu: Float32Array;
  readonly memory: Float32Array;
}

/** Who is gone gives its place up only now and then: looking costs. */
const SWEPT_EVERY = 15;

/** Samples of one kind of thing, over time. */
export class UsageFrames {
  readonly #bytes: number;
  readonly #frames: Frame[] = [];
  readonly #places = new Map<string, number>();
  /** By place: what stands there in older frames was another's. */
  readonly #since: number[] = [];
  /** By place: when its owner was seen last. */
  readonly #seen: number[] = [];
  /** Places whose owner is gone. */
  readonly #free: number[] = [];
  #added = 0;

  constructor(bytes = USAGE_BYTES) {
    this.#bytes = bytes;
  }

  /** How much all samples take. */
  get bytes(): number {
    return this.#frames.reduce(
      (sum, { cpu }) => sum + cpu.length * SAMPLE_BYTES,
      0,
    );
  }

  /** Begins the frame of one moment: samples can be put into it until it is added. */
  begin(at: number): NewFrame {
    return new NewFrame(
      at,
      this.#since.length,
      (subject) => this.#placeFor(subject, at),
    );
  }

  /** Takes a frame in. */
  add(frame: NewFrame): void {
    const { at } = frame;
    this.#frames.push({ isMerged: false, ...frame.end() });
    if (++this.#added % SWEPT_EVERY === 0) this.#freePlaces();
    this.#shrink(at);
  }

  /** Samples of one since a moment, oldest first. */
  of(subject: string, sinceMs: number): UsageSample[] {
    const place = this.#places.get(subject);
    if (place === undefined) return [];
    const from = Math.max(sinceMs, this.#since[place] ?? Infinity);
    return this.#frames.filter(({ at }) => at >= from).map((frame) => ({
      at: isoTime(frame.at),
      cpu: known(frame.cpu[place]),
      memoryMiB: known(frame.memory[place]),
    })).filter(({ cpu, memoryMiB }) => cpu !== null || memoryMiB !== null);
  }

  #placeFor(subject: string, at: number): number {
    let place = this.#places.get(subject);
    if (place === undefined) {
      place = this.#free.pop() ?? this.#since.length;
      this.#places.set(subject, place);
      this.#since[place] = at;
    }
    this.#seen[place] = at;
    return place;
  }

  /** Gives away the places of those who were in none of the last frames. */
  #freePlaces(): void {
    const since = this.#frames.at(-SWEPT_EVERY)?.at ?? -Infinity;
    for (const [subject, place] of this.#places) {
      if ((this.#seen[place] ?? 0) >= since) continue;
      this.#places.delete(subject);
      this.#free.push(place);
      this.#since[place] = Infinity;
    }
  }

  /** Makes room: never more than the bytes, never older than a day. */
  #shrink(now: number): void {
    while ((this.#frames[0]?.at ?? now) < now - MAX_AGE_MS) {
      this.#frames.shift();
    }
    for (let bytes = this.bytes; bytes > this.#bytes; bytes = this.bytes) {
      if (this.#frames.length <= 1) return;
      if (!this.#merge()) this.#frames.shift();
    }
  }

  /** Makes the oldest frames that can be spared one; false when none can. */
  #merge(): boolean {
    const first = this.#frames.findIndex(({ isMerged }) => !isMerged);
    const spared = this.#frames.length - FINE - first;
    if (first < 0 || spared < MERGED) return false;
    const frames = this.#frames.slice(first, first + MERGED);
    const merged: Frame = {
      at: frames.at(-1)?.at ?? 0,
      isMerged: true,
      cpu: this.#means(frames, "cpu"),
      memory: this.#means(frames, "memory"),
    };
    this.#frames.splice(first, MERGED, merged);
    return true;
  }

  #means(frames: readonly Frame[], what: "cpu" | "memory"): Float32Array {
    const length = Math.max(...frames.map((frame) => frame[what].length));
    const means = new Float32Array(length);
    const counts = new Uint8Array(length);
    for (const { at, [what]: values } of frames) {
      for (let place = 0; place < values.length; place++) {
        const value = values[place] ?? NaN;
        // Of an earlier owner of the place, or of nobody's.
        if (value !== value || at < (this.#since[place] ?? Infinity)) continue;
        means[place] = (means[place] ?? 0) + value;
        counts[place] = (counts[place] ?? 0) + 1;
      }
    }
    for (let place = 0; place < length; place++) {
      means[place] = (means[place] ?? 0) / (counts[place] ?? 0);
    }
    return means;
  }
}

/** The frame of one moment while it is made. */
export class NewFrame {
  readonly at: number;
  readonly #placeFor: (subject: string) => number;
  #cpu: Float32Array;
  #memory: Float32Array;
  #length: number;

  constructor(
    at: number,
    size: number,
    placeFor: (subject: string) => number,
  ) {
    this.at = at;
    this.#length = size;
    this.#placeFor = placeFor;
    this.#cpu = new Float32Array(size).fill(NaN);
    this.#memory = new Float32Array(size).fill(NaN);
  }

  /** Puts one sample in its place. */
  put(subject: string, { cpu, memoryMiB }: Sample): void {
    const place = this.#placeFor(subject);
    if (place >= this.#cpu.length) this.#grow(place);
    this.#length = Math.max(this.#length, place + 1);
    this.#cpu[place] = cpu ?? NaN;
    this.#memory[place] = memoryMiB ?? NaN;
  }

  /** What was put into it, with no room to spare. */
  end(): Pick<Frame, "at" | "cpu" | "memory"> {
    return {
      at: this.at,
      cpu: this.#cpu.slice(0, this.#length),
      memory: this.#memory.slice(0, this.#length),
    };
  }

  #grow(place: number): void {
    const larger = (old: Float32Array) => {
      const values = new Float32Array(place * 2 + 16).fill(NaN);
      values.set(old);
      return values;
    };
    this.#cpu = larger(this.#cpu);
    this.#memory = larger(this.#memory);
  }
}

function known(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value;
}
