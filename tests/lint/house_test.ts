/**
 * The house rules name files and folders that exist; a rule about nothing is a
 * rule that was forgotten.
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  COMPOSITION,
  LAYERS,
  matches,
  PURE_FOLDERS,
} from "../../scripts/house.ts";
import { STAGES } from "../../scripts/stages.ts";
import { REPOSITORY, trackedFiles } from "../support/repository.ts";

Deno.test("every folder of src/ is in the import table", async () => {
  const folders: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${REPOSITORY}src`)) {
    if (isDirectory) folders.push(name);
  }
  const isRuled = (folder: string) =>
    folder in LAYERS ||
    COMPOSITION.some((rule) => matches(`src/${folder}/`, rule));
  deepStrictEqual(folders.filter((folder) => !isRuled(folder)), []);
});

Deno.test("the pure folders exist", async () => {
  for (const folder of PURE_FOLDERS) {
    strictEqual((await Deno.stat(REPOSITORY + folder)).isDirectory, true);
  }
});

Deno.test("every test file belongs to exactly one suite", async () => {
  const files = (await trackedFiles())
    .filter((file) => file.endsWith("_test.ts"));
  const faults = files.flatMap((file) => {
    const owners = STAGES.filter((stage) =>
      stage.kind === "suite" && stage.owns(file)
    );
    return owners.length === 1
      ? []
      : [`${file}: ${owners.map(({ name }) => name).join(", ") || "none"}`];
  });
  deepStrictEqual(faults, []);
});
