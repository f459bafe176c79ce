/**
 * What VMs or nodes have used, in frames: one moment, and a place for each.
 *
 * Memory is bounded for all together, not for each: a site of 5,000 VMs has a
 * day by the minute in 60 MB, one of 100,000 the last half hour by the minute
 * and the rest of half a day by quarters of an hour. When there is no more
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

interface Place {
  readonly index: number;
  /** What stands there in older frames was another's. */
  readonly since: number;
}

/** Samples of one kind of thing, over time. */
export class UsageFrames {
  readonly #bytes: number;
  readonly #frames: Frame[] = [];
  readonly #places = new Map<string, Place>();
  /** Places whose owner is gone. */
  readonly #free: number[] = [];
  #size = 0;

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

  /** Takes the samples of one moment; who is not among them is gone. */
  add(at: number, samples: ReadonlyMap<string, Sample>): void {
    for (const [subject, { index }] of this.#places) {
      if (samples.has(subject)) continue;
      this.#places.delete(subject);
      this.#free.push(index);
    }
    for (const subject of samples.keys()) {
      if (this.#places.has(subject)) continue;
      const index = this.#free.pop() ?? this.#size++;
      this.#places.set(subject, { index, since: at });
    }
    const cpu = new Float32Array(this.#size).fill(NaN);
    const memory = new Float32Array(this.#size).fill(NaN);
    for (const [subject, sample] of samples) {
      const index = this.#places.get(subject)?.index ?? 0;
      cpu[index] = sample.cpu ?? NaN;
      memory[index] = sample.memoryMiB ?? NaN;
    }
    this.#frames.push({ at, isMerged: false, cpu, memory });
    this.#shrink(at);
  }

  /** Samples of one since a moment, oldest first. */
  of(subject: string, sinceMs: number): UsageSample[] {
    const place = this.#places.get(subject);
    if (place === undefined) return [];
    const from = Math.max(sinceMs, place.since);
    return this.#frames.filter(({ at }) => at >= from).map((frame) => ({
      at: isoTime(frame.at),
      cpu: known(frame.cpu[place.index]),
      memoryMiB: known(frame.memory[place.index]),
    })).filter(({ cpu, memoryMiB }) => cpu !== null || memoryMiB !== null);
  }

  /** Makes room: never more than the bytes, never older than a day. */
  #shrink(now: number): void {
    const isOld = (frame: Frame | undefined) =>
      frame !== undefined && frame.at < now - MAX_AGE_MS;
    while (isOld(this.#frames[0])) this.#frames.shift();
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
    const means = new Float32Array(length).fill(NaN);
    const owners = new Map(
      [...this.#places.values()].map(({ index, since }) => [index, since]),
    );
    for (let index = 0; index < length; index++) {
      let [sum, count] = [0, 0];
      for (const { at, [what]: values } of frames) {
        const value = values[index] ?? NaN;
        // Of an earlier owner of the place.
        if (Number.isNaN(value) || at < (owners.get(index) ?? Infinity)) {
          continue;
        }
        sum += value;
        count++;
      }
      if (count > 0) means[index] = sum / count;
    }
    return means;
  }
}

function known(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value;
}
