/**
 * Where the columns of the matrix lie between the runs that make them and
 * whoever prints it: a file a driver, in a folder that Git does not keep.
 *
 * @module
 */
import type { Column } from "./matrix.ts";

const FOLDER = new URL("../../../.cache/conformance/", import.meta.url);

/** Keeps what a run found of a driver, in place of an earlier one. */
export async function keepColumn(column: Column): Promise<void> {
  await Deno.mkdir(FOLDER, { recursive: true });
  const name = column.driver.replaceAll(/[^a-z0-9]+/g, "-");
  const path = new URL(`${name}.json`, FOLDER);
  // Whole or not at all, since runs of several drivers may end at once.
  const part = new URL(`${name}.json.part`, FOLDER);
  await Deno.writeTextFile(part, `${JSON.stringify(column)}\n`);
  await Deno.rename(part, path);
}

/** The columns that were made since `since`, milliseconds since 1970. */
export async function readColumns(since = 0): Promise<Column[]> {
  const columns: Column[] = [];
  try {
    for await (const { name } of Deno.readDir(FOLDER)) {
      if (!name.endsWith(".json")) continue;
      const text = await Deno.readTextFile(new URL(name, FOLDER));
      columns.push(JSON.parse(text));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return columns.filter(({ at }) => Date.parse(at) >= since)
    .toSorted((a, b) => a.driver < b.driver ? -1 : 1);
}
