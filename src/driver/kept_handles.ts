/**
 * The handles that a driver keeps in a folder, one file for each domain, and what
 * all of them have.
 *
 * One that cannot be read hides none of the others: it is said, and its file
 * stays for whoever looks into it.
 *
 * @module
 */
import { z } from "zod";
import { messageOf, UsherError } from "../error/mod.ts";
import { VmSpec } from "../schema/vm.ts";
import { listFolder, readTextOrNull, writeDurably } from "../sys/file.ts";
import type { DomainPlan } from "./driver.ts";
import { Ending } from "./ending.ts";

/** What every driver keeps of a domain; each adds a version, and what is its own. */
export const KeptDomain = z.object({
  uid: z.string(),
  name: z.string(),
  generation: z.number(),
  incarnation: z.string(),
  /** The boot of the machine in which it was started. */
  bootId: z.string(),
  /** Null while nothing is known of an end. */
  ending: Ending.nullable(),
  /** What it was started with; null when that is not known any more. */
  spec: VmSpec.strip().nullable(),
});
export type KeptDomain = z.infer<typeof KeptDomain>;

/** What is kept of a run that begins, or whose handle was lost: then there is no spec. */
export function keptOf(
  { uid, name, generation, incarnation }: Omit<DomainPlan, "spec">,
  bootId: string,
  spec: VmSpec | null,
): KeptDomain {
  return { uid, name, generation, incarnation, bootId, ending: null, spec };
}

/** Keeps a handle; it is durable when this resolves. */
export function saveHandle(
  layout: { files(uid: string): { readonly handle: string } },
  handle: KeptDomain & { readonly version: number },
): Promise<void> {
  return writeDurably(layout.files(handle.uid).handle, JSON.stringify(handle));
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
  read: (data: unknown) => H,
): Promise<{ handles: H[]; errors: string[] }> {
  const handles: H[] = [];
  const errors: string[] = [];
  for (const name of await listFolder(folder)) {
    if (!name.endsWith(".json")) continue;
    try {
      const text = await readTextOrNull(`${folder}/${name}`);
      if (text !== null) handles.push(readHandle(text, read));
    } catch (error) {
      errors.push(`${folder}/${name}: ${messageOf(error)}`);
    }
  }
  return { handles, errors };
}
