/**
 * Whether a process grows: its memory and its descriptors at quiet points,
 * the second half of them held against the first.
 *
 * A garbage collector makes single figures worthless, so medians are compared,
 * and memory may be a quarter more and a floor that a collector leaves lying
 * about. Descriptors have no such excuse: a handful is what connections of the
 * moment make.
 *
 * @module
 */
import { listDescriptors, rssMiB } from "../support/role.ts";

const RSS_FACTOR = 1.25;
const RSS_SLACK_MIB = 24;
const DESCRIPTOR_SLACK = 6;

/** One process at one quiet point. */
export interface Sample {
  readonly role: string;
  readonly rssMiB: number;
  readonly descriptors: number;
}

/** What a role's samples say, halves as medians. */
export interface Growth {
  readonly role: string;
  readonly rssMiB: readonly [first: number, second: number];
  readonly descriptors: readonly [first: number, second: number];
  readonly grows: boolean;
}

/** Looks at a process. */
export async function sample(role: string, pid: number): Promise<Sample> {
  return {
    role,
    rssMiB: await rssMiB(pid),
    descriptors: listDescriptors(pid).length,
  };
}

/** What the samples of each role say, in the order in which they were taken. */
export function growthOf(samples: readonly Sample[]): Growth[] {
  const roles = [...new Set(samples.map(({ role }) => role))];
  return roles.map((role) => {
    const its = samples.filter((one) => one.role === role);
    const rss = halves(its.map((one) => one.rssMiB));
    const descriptors = halves(its.map((one) => one.descriptors));
    const grows = rss[1] > rss[0] * RSS_FACTOR + RSS_SLACK_MIB ||
      descriptors[1] > descriptors[0] + DESCRIPTOR_SLACK;
    return { role, rssMiB: rss, descriptors, grows };
  });
}

/** The medians of the first and the second half; a middle one counts for both. */
function halves(values: readonly number[]): [number, number] {
  const half = Math.ceil(values.length / 2);
  return [median(values.slice(0, half)), median(values.slice(-half))];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? NaN;
}
