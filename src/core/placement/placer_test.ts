/**
 * Which node is taken, and what those that come after see of it.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Strategy } from "../../schema/placement.ts";
import {
  pictureOf,
  placementNode,
  residentAt,
  wishFor,
} from "../../../tests/support/placement.ts";
import type { Picture } from "./picture.ts";
import { Placer } from "./placer.ts";
import type { Wish } from "./wish.ts";

/** The nodes that `wishes` get one after another; null where none. */
function nodesFor(
  picture: Picture,
  strategy: Strategy,
  wishes: readonly Wish[],
): (string | null)[] {
  using placer = new Placer(picture, strategy);
  return wishes.map((wish) => {
    const decision = placer.place(wish);
    return decision.type === "placed" ? decision.node : null;
  });
}

function many(count: number, of: (i: number) => Wish): Wish[] {
  return Array.from({ length: count }, (_, i) => of(i));
}

Deno.test("spread takes the node with most left, pack the one with least, by its scarcer part", () => {
  const big = { capacity: { cpus: 64, memoryMiB: 8000 } };
  const picture = pictureOf(
    [placementNode("a"), placementNode("b", big), placementNode("c")],
    [
      residentAt("b", "x", { memoryMiB: 4000 }),
      residentAt("c", "y", { vcpus: 40 }),
    ],
  );
  // Left after it: a 0.90 of memory, b 0.4875 of memory, c 23/64 of vcpus.
  const web = wishFor("web");
  deepStrictEqual(nodesFor(picture, "spread", [web]), ["a"]);
  deepStrictEqual(nodesFor(picture, "pack", [web]), ["c"]);
});

Deno.test("of equal nodes the first by name is taken, in whatever order they came", () => {
  const nodes = ["c", "a", "b"].map((name) => placementNode(name));
  for (const strategy of ["spread", "pack"] as const) {
    deepStrictEqual(nodesFor(pictureOf(nodes), strategy, [wishFor("web")]), [
      "a",
    ]);
    deepStrictEqual(
      nodesFor(pictureOf(nodes.toReversed()), strategy, [wishFor("web")]),
      ["a"],
    );
  }
});

Deno.test("a batch sees what the ones before took: spread goes round, pack fills", () => {
  const picture = pictureOf([placementNode("a"), placementNode("b")]);
  const wishes = many(21, (i) => wishFor(`web-${i}`));
  deepStrictEqual(nodesFor(picture, "spread", wishes), [
    ...many(20, () => wishes[0]!).map((_, i) => i % 2 === 0 ? "a" : "b"),
    null,
  ]);
  deepStrictEqual(nodesFor(picture, "pack", wishes), [
    ...Array(10).fill("a"),
    ...Array(10).fill("b"),
    null,
  ]);
});

Deno.test("kinds that alternate see each other", () => {
  const picture = pictureOf([placementNode("a"), placementNode("b")]);
  const wishes = many(
    6,
    (i) => wishFor(`web-${i}`, { memoryMiB: i % 2 === 0 ? 500 : 100 }),
  );
  deepStrictEqual(nodesFor(picture, "spread", wishes), [
    "a",
    "b",
    "b",
    "a",
    null,
    "a",
  ]);
});

Deno.test("VMs that keep apart get a node each, and the next one none", () => {
  const nodes = many(20, (i) => wishFor(`n${i}`)).map(({ uid }) =>
    placementNode(uid)
  );
  const wishes = many(
    21,
    (i) => wishFor(`web-${i}`, {}, { apartFrom: ["web-*"] }),
  );
  for (const strategy of ["spread", "pack"] as const) {
    const placed = nodesFor(pictureOf(nodes), strategy, wishes);
    strictEqual(new Set(placed.slice(0, 20)).size, 20);
    strictEqual(placed[20], null);
  }
});

Deno.test("a decision leaves nothing in the picture when the placer is done", () => {
  const picture = pictureOf([placementNode("a")], [residentAt("a", "db")]);
  const before = JSON.stringify(picture.snapshot());
  deepStrictEqual(nodesFor(picture, "spread", [wishFor("x"), wishFor("y")]), [
    "a",
    "a",
  ]);
  strictEqual(JSON.stringify(picture.snapshot()), before);
});

Deno.test("a VM that moves is counted where it is and where it goes, cold ones nowhere", () => {
  const nodes = [placementNode("a"), placementNode("b")];
  const hot = wishFor("web", { memoryMiB: 600, exclude: ["a"] });
  const picture = pictureOf(nodes, [
    residentAt("a", "web", { memoryMiB: 600 }),
  ]);
  using placer = new Placer(picture, "spread");
  strictEqual(placer.place(hot).type, "placed");
  deepStrictEqual(["a", "b"].map((it) => picture.taken(it).memoryMiB), [
    600,
    600,
  ]);
  const cold = wishFor("cold", {
    memoryMiB: 2000,
    cold: true,
    waived: ["memory", "vcpus"],
  });
  strictEqual(placer.place(cold).type, "placed");
  deepStrictEqual(picture.resident("cold")?.on, false);
});

Deno.test("a VM that leaves a node which all must leave follows those that need it, if it can", () => {
  const web = residentAt("b", "web", { togetherWith: ["d*"] });
  const db = residentAt("a", "db", { memoryMiB: 500 });
  const leaving = wishFor("db", { memoryMiB: 500, exclude: ["a"] });
  const goes = (draining: boolean, more: Partial<Wish> = {}) =>
    nodesFor(
      pictureOf([
        placementNode("a", { draining }),
        placementNode("b"),
        placementNode("c"),
      ], [web, db]),
      "spread",
      [{ ...leaving, ...more }],
    );
  deepStrictEqual(goes(true), ["b"]);
  deepStrictEqual(goes(false), ["c"]);
  deepStrictEqual(goes(true, { memoryMiB: 950 }), ["c"]);
});

Deno.test("what refuses a thousand nodes is told by what is in the way, the nearest first", () => {
  const nodes = many(1000, (i) => wishFor(`n${i}`)).map(({ uid }, i) =>
    placementNode(uid, {
      draining: i < 300,
      capacity: { cpus: 4, memoryMiB: 100 + (i % 500) },
    })
  );
  using placer = new Placer(pictureOf(nodes), "spread");
  const refused = placer.place(wishFor("web", { memoryMiB: 2000 }));
  ok(refused.type === "refused");
  deepStrictEqual([refused.nodes, refused.refusedBy.map((it) => it.filter)], [
    1000,
    ["memory", "draining"],
  ]);
  const [memory, draining] = refused.refusedBy;
  deepStrictEqual([memory?.nodes, memory?.nearest.map(({ node }) => node)], [
    700,
    ["n499", "n999", "n498"],
  ]);
  deepStrictEqual([draining?.nodes, draining?.nearest.length], [300, 3]);
  strictEqual(
    memory?.nearest[0]?.why,
    "needs 1401 MiB more: 599 of 599 MiB are free",
  );
});

Deno.test("a site of few nodes is told node by node, one without nodes nothing", () => {
  using few = new Placer(
    pictureOf(["b", "a"].map((it) => placementNode(it))),
    "spread",
  );
  const told = few.place(wishFor("web", { driver: "xen" }));
  ok(told.type === "refused");
  deepStrictEqual(
    told.refusedBy.flatMap(({ nearest }) => nearest.map(({ node }) => node)),
    ["a", "b"],
  );
  using none = new Placer(pictureOf([]), "spread");
  deepStrictEqual(none.place(wishFor("web")), {
    type: "refused",
    on: undefined,
    nodes: 0,
    refusedBy: [],
  });
});
