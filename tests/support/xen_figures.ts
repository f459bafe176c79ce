/**
 * What the xen driver costs beside the toolstack alone, measured in a dom0 of
 * the lab: everything is emulated there, so a figure says something only beside
 * its floor, which is taken in turn with it.
 *
 * @module
 */
import type { LabXenNode } from "./lab_xen_node.ts";

/** One figure and its floor, in milliseconds; medians. */
export interface Figure {
  readonly name: string;
  readonly ms: number;
  readonly floor: string;
  readonly floorMs: number;
}

const ROUNDS = 5;
const MOST_DOMAINS = 50;
/** What Xen keeps of its own for the least guest, with its memory. */
const DOMAIN_MIB = 20;

/** Measures all of it on a node that has no domain. */
export async function measure(node: LabXenNode): Promise<Figure[]> {
  return [await measureStarts(node), await measureLists(node)];
}

async function measureStarts(node: LabXenNode): Promise<Figure> {
  const [bare, ours]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    const name = `bare-${round}`;
    bare.push(await timed(() => node.createByHand(name)));
    await node.destroyByHand(name);
    const plan = await node.plan("deaf");
    const signal = new AbortController().signal;
    ours.push(await timed(() => node.driver.start(plan, signal)));
    await node.driver.stop(plan.uid, { graceMs: 0, signal });
    await node.driver.forget(plan.uid, signal);
  }
  return {
    name: "a start",
    ms: median(ours),
    floor: "`xl create` alone",
    floorMs: median(bare),
  };
}

/** As many domains as there is memory for, 50 at most. */
async function measureLists(node: LabXenNode): Promise<Figure> {
  const count = Math.min(
    MOST_DOMAINS,
    Math.floor((await node.freeMiB()) / DOMAIN_MIB),
  );
  for (let at = 0; at < count; at++) await node.createByHand(`many-${at}`);
  const [bare, ours]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    bare.push(await timed(() => node.listByHand()));
    const signal = new AbortController().signal;
    ours.push(
      await timed(async () => {
        const { length } = await node.driver.list(signal);
        if (length !== count) throw new Error(`${length} of ${count}`);
      }),
    );
  }
  for (let at = 0; at < count; at++) await node.destroyByHand(`many-${at}`);
  return {
    name: `${count} domains listed`,
    ms: median(ours),
    floor: "`xl list -v` alone",
    floorMs: median(bare),
  };
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await run();
  return performance.now() - began;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}
