/**
 * The handles that a driver keeps in a folder, one file for each domain.
 *
 * One that cannot be read hides none of the others: it is said, and its file
 * stays for whoever looks into it.
 *
 * @module
 */
import { messageOf, UsherError } from "../error/mod.ts";
import { listFolder, readTextOrNull, writeDurably } from "../sys/file.ts";

/** Keeps a handle; it is durable when this resolves. */
export function keepHandle(path: string, handle: object): Promise<void> {
  return writeDurably(path, JSON.stringify(handle));
}

/** What `read` makes of a handle's JSON. Throws `internal` for what it cannot read. */
export function readHandle<H>(text: string, read: (data: unknown) => H): H {
  try {
    return read(JSON.parse(text));
  } catch (error) {
    throw new UsherError(
      "internal",
      `Cannot read a handle: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** The handles that are kept in `folder`, and what stood in the way of reading others. */
export async function keptHandles<H>(
  folder: string,
  parse: (text: string) => H,
): Promise<{ handles: H[]; errors: string[] }> {
  const handles: H[] = [];
  const errors: string[] = [];
  for (const name of await listFolder(folder)) {
    if (!name.endsWith(".json")) continue;
    try {
      const text = await readTextOrNull(`${folder}/${name}`);
      if (text !== null) handles.push(parse(text));
    } catch (error) {
      errors.push(`${folder}/${name}: ${messageOf(error)}`);
    }
  }
  return { handles, errors };
}
