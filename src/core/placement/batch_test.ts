/**
 * Batches whose VMs must be together.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  pictureOf,
  placementNode,
  residentAt,
  wishFor,
} from "../../../tests/support/placement.ts";
import { placeAll } from "./batch.ts";
import type { Picture } from "./picture.ts";
import { type Decision, Placer } from "./placer.ts";
import type { Wish } from "./wish.ts";

function decide(picture: Picture, wishes: readonly Wish[]): Decision[] {
  using placer = new Placer(picture, "spread");
  return placeAll(picture, placer, wishes);
}

function nodesOf(decisions: readonly Decision[]): (string | null)[] {
  return decisions.map((it) => it.type === "placed" ? it.node : null);
}

const TWO = [
  placementNode("a"),
  placementNode("b", { capacity: { cpus: 4, memoryMiB: 800 } }),
];

Deno.test("a VM finds one of the same request that it must be together with, in any order", () => {
  const web = wishFor("web", { memoryMiB: 600 }, { togetherWith: ["db"] });
  const db = wishFor("db", { memoryMiB: 300 });
  deepStrictEqual(nodesOf(decide(pictureOf(TWO), [web, db])), ["a", "a"]);
  deepStrictEqual(nodesOf(decide(pictureOf(TWO), [db, web])), ["a", "a"]);
});

Deno.test("two that each need the other are placed where both have room, or neither is", () => {
  const one = wishFor("one", { memoryMiB: 700 }, { togetherWith: ["two"] });
  const two = wishFor("two", { memoryMiB: 300 }, { togetherWith: ["one"] });
  deepStrictEqual(nodesOf(decide(pictureOf(TWO), [one, two])), ["a", "a"]);
  const large = { ...two, memoryMiB: 400 };
  const refused = decide(pictureOf(TWO), [one, large]);
  deepStrictEqual(nodesOf(refused), [null, null]);
  const [first] = refused;
  ok(first?.type === "refused");
  match(
    first.refusedBy[0]?.nearest[0]?.why ?? "",
    /^the 2 VMs that must be together: needs 100 MiB more/,
  );
});

Deno.test("a party whose member a node refuses goes to the next that takes all", () => {
  const nodes = [
    placementNode("a", { capacity: { cpus: 4, memoryMiB: 4000 } }),
    placementNode("b", { labels: { ssd: "1" } }),
  ];
  const web = wishFor("web", {}, { togetherWith: ["db"] });
  const db = wishFor("db", {}, { nodeLabels: { ssd: "1" } });
  deepStrictEqual(nodesOf(decide(pictureOf(nodes), [web, db])), ["b", "b"]);
  const refused = decide(pictureOf(nodes.slice(0, 1)), [web, db]);
  ok(refused[0]?.type === "refused");
  match(
    refused[0].refusedBy[0]?.nearest[0]?.why ?? "",
    /db\.default\.ann: label ssd=1 is missing/,
  );
});

Deno.test("VMs that a pattern of their own joins are one party", () => {
  const wishes = ["web-1", "web-2", "web-3"].map((it) =>
    wishFor(it, { memoryMiB: 300 }, { togetherWith: ["web-*"] })
  );
  deepStrictEqual(nodesOf(decide(pictureOf(TWO), wishes)), ["a", "a", "a"]);
});

Deno.test("the first that a pattern of its own means may come alone", () => {
  const first = wishFor("web-1", {}, { togetherWith: ["web-*"] });
  deepStrictEqual(nodesOf(decide(pictureOf(TWO), [first])), ["a"]);
  const nodes = [...TWO, placementNode("c")];
  const there = pictureOf(nodes, [residentAt("c", "web-9")]);
  deepStrictEqual(nodesOf(decide(there, [first])), ["c"]);
  const cache = wishFor("cache", { memoryMiB: 600 }, { togetherWith: ["db"] });
  const db = wishFor("db", { memoryMiB: 300 }, { togetherWith: ["db"] });
  deepStrictEqual(nodesOf(decide(pictureOf(TWO), [cache, db])), ["a", "a"]);
});

Deno.test("of several that it may be with, one that is placed is enough", () => {
  const nodes = ["a", "b", "c"].map((it) => placementNode(it));
  const web = wishFor("web", {}, { togetherWith: ["db-*"] });
  const dbs = ["db-1", "db-2"].map((it) =>
    wishFor(it, {}, { apartFrom: ["db-*"] })
  );
  deepStrictEqual(nodesOf(decide(pictureOf(nodes), [web, ...dbs])), [
    "a",
    "a",
    "b",
  ]);
  const tooLarge = dbs.map((it) => ({ ...it, memoryMiB: 2000 }));
  deepStrictEqual(nodesOf(decide(pictureOf(nodes), [web, ...tooLarge])), [
    null,
    null,
    null,
  ]);
});

Deno.test("those that wait in a circle for several come together", () => {
  const nodes = ["a", "b"].map((it) => placementNode(it));
  const names = ["x-1", "x-2", "y-1", "y-2"];
  const wishes = names.map((it) =>
    wishFor(it, {}, { togetherWith: [it.startsWith("x") ? "y-*" : "x-*"] })
  );
  strictEqual(new Set(nodesOf(decide(pictureOf(nodes), wishes))).size, 1);
});

Deno.test("who is there already is found first, and other owners never", () => {
  const nodes = ["a", "b"].map((it) => placementNode(it));
  const web = wishFor("web", {}, { togetherWith: ["db"] });
  const picture = pictureOf(nodes, [residentAt("b", "db")]);
  deepStrictEqual(nodesOf(decide(picture, [web, wishFor("x")])), ["b", "a"]);
  const theirs = wishFor("db.default.bob");
  deepStrictEqual(nodesOf(decide(pictureOf(nodes), [web, theirs])), [
    null,
    "a",
  ]);
});

Deno.test("a party leaves nothing where it was refused", () => {
  const picture = pictureOf(TWO);
  using placer = new Placer(picture, "spread");
  const one = wishFor("one", { memoryMiB: 500 }, { togetherWith: ["two"] });
  const two = wishFor("two", { memoryMiB: 300 }, { nodeLabels: { no: "1" } });
  deepStrictEqual(nodesOf(placeAll(picture, placer, [one, two])), [null, null]);
  deepStrictEqual(["a", "b"].map((it) => picture.taken(it).vms), [0, 0]);
});
