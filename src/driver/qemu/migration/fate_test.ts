/**
 * What becomes of each kind of disk.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { DiskSpec } from "../../../schema/vm.ts";
import { fateOf, fixedFiles, sentDisks } from "./fate.ts";

const DISKS = [
  { base: "/b", shared: false },
  { base: "/b", shared: true },
  { base: "/ro", readonly: true },
  { path: "/p" },
  { path: "/s", shared: true },
  { path: "/iso", readonly: true },
  { path: "/iso2", readonly: true, shared: true },
].map((disk) => DiskSpec.parse(disk));

Deno.test("what usher or the user has on one node is sent, what all see stays, and what is only read must be there", () => {
  deepStrictEqual(DISKS.map(fateOf), [
    "overlay",
    "overlay",
    "fixed",
    "file",
    "stays",
    "fixed",
    "stays",
  ]);
  deepStrictEqual(sentDisks(DISKS).map(({ index }) => index), [0, 1, 3]);
  deepStrictEqual(fixedFiles(DISKS), ["/ro", "/iso"]);
});

Deno.test("no disk is both sent and to be there", () => {
  const sent = new Set(sentDisks(DISKS).map(({ disk }) => disk.path));
  strictEqual(fixedFiles(DISKS).some((path) => sent.has(path)), false);
});
