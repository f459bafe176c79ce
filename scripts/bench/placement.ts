/**
 * Placement: decisions a second on a site of 1,000 nodes that carry 20,000 VMs,
 * beside a loop over bare numbers that looks at each node for each VM.
 *
 * @module
 */
import { placeAll } from "../../src/core/placement/batch.ts";
import { Picture } from "../../src/core/placement/picture.ts";
import { Placer } from "../../src/core/placement/placer.ts";
import type { Wish } from "../../src/core/placement/wish.ts";
import {
  placementNode,
  residentAt,
  wishFor,
} from "../../tests/support/placement.ts";
import { median, type Row } from "./row.ts";

const NODES = 1000;
const VMS = 20_000;
const BATCH = 1000;
const ROUNDS = 15;
/** Rounds that only warm up. */
const WARM = 3;
const MIB = 65_536;
const CPUS = 64;

/** Batches of equal VMs, of different ones, of VMs that keep apart; and one VM. */
export function benchPlacement(): Promise<Row[]> {
  const picture = siteOf();
  const floor = perSecond(BATCH, () => argmax(picture, BATCH));
  const batch = (name: string, of: (i: number) => Wish, note = ""): Row => {
    const wishes = Array.from({ length: BATCH }, (_, i) => of(i));
    const value = perSecond(BATCH, () => place(picture, wishes));
    return {
      name,
      value,
      unit: "decisions/s",
      floor,
      floorName: "argmax over arrays",
      ratio: value / floor,
      ...(note === "" ? {} : { note }),
    };
  };
  const size = (i: number) => ({ memoryMiB: 64 + i, vcpus: 1 + i % 4 });
  return Promise.resolve([
    batch(
      `a batch of ${BATCH} equal VMs, ${NODES} nodes, ${VMS} VMs`,
      (i) => wishFor(`web-${i}`),
      "target > 5000",
    ),
    batch("… each of another size", (i) => wishFor(`web-${i}`, size(i))),
    batch(
      "… that keep apart from each other",
      (i) => wishFor(`new-${i}`, {}, { apartFrom: ["new-*"] }),
    ),
    batch(
      "… that no node can take, each with what is in the way",
      (i) => wishFor(`web-${i}`, { memoryMiB: MIB * 2 + i }),
    ),
    one(picture),
  ]);
}

function one(picture: Picture): Row {
  const value = perSecond(1, () => place(picture, [wishFor("web")]));
  const floor = perSecond(1, () => argmax(picture, 1));
  return {
    name: "one VM at a time",
    value,
    unit: "decisions/s",
    floor,
    floorName: "argmax over arrays",
    ratio: value / floor,
  };
}

function siteOf(): Picture {
  const picture = new Picture();
  for (let i = 0; i < NODES; i++) {
    picture.setNode(
      `n${i}`,
      placementNode(`n${i}`, {
        capacity: { cpus: CPUS, memoryMiB: MIB + i },
        labels: { rack: `r${i % 40}` },
      }),
    );
  }
  for (let i = 0; i < VMS; i++) {
    const at = residentAt(`n${(i * 7) % NODES}`, `vm-${i}.default.u${i % 50}`, {
      memoryMiB: 256 + (i % 13) * 128,
    });
    picture.setResident(at.uid, at);
  }
  return picture;
}

function place(picture: Picture, wishes: readonly Wish[]): void {
  using placer = new Placer(picture, "spread");
  const decisions = placeAll(picture, placer, wishes);
  if (decisions.length !== wishes.length) throw new Error("some are missing");
}

/** The choice alone: the largest share left, in a loop over numbers. */
function argmax(picture: Picture, count: number): void {
  const places = picture.places();
  const room = Float64Array.from(places, ({ roomMiB }) => roomMiB);
  const used = Float64Array.from(places, ({ taken }) => taken.memoryMiB);
  for (let i = 0; i < count; i++) {
    let [best, highest] = [-1, -Infinity];
    for (let n = 0; n < room.length; n++) {
      const left = (room[n] ?? 0) - (used[n] ?? 0) - 100;
      const share = left / (room[n] ?? 1);
      if (left >= 0 && share > highest) [best, highest] = [n, share];
    }
    used[best] = (used[best] ?? 0) + 100;
  }
}

/** How many of `count` pieces of work are done in a second; the median of some rounds. */
function perSecond(count: number, work: () => void): number {
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS + WARM; round++) {
    const began = performance.now();
    work();
    const ms = performance.now() - began;
    if (round >= WARM) rates.push(count / ms * 1000);
  }
  return median(rates);
}
