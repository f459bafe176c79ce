/**
 * The record of what was put on this machine for a role, so that exactly that
 * is taken away again.
 *
 * A thing stands in it before it is made: what a killed run has made is
 * known to the next one, and to the uninstallation. A file stands with the
 * digests that it had from us: with any other it is somebody else's by now.
 *
 * @module
 */
import { z } from "zod";
import { messageOf, UsherError } from "../error/mod.ts";
import {
  makeFolder,
  readTextOrNull,
  removeIfThere,
  writeDurably,
} from "../sys/file.ts";
import { removeIfEmpty } from "../sys/placed_file.ts";
import type { Machine } from "./machine.ts";
import { RECORDS, type ServiceRole, STATE_HOME } from "./things.ts";

const Record_ = z.strictObject({
  version: z.literal(1),
  /** Digests by path; a file being replaced has two. */
  files: z.record(z.string(), z.array(z.string())),
  folders: z.array(z.string()),
  user: z.string().nullable(),
});
/** What was put for one role. */
export type InstallRecord = z.infer<typeof Record_>;

/** A record of nothing. */
export const EMPTY: InstallRecord = {
  version: 1,
  files: {},
  folders: [],
  user: null,
};

function pathOf(machine: Machine, role: ServiceRole): string {
  return `${machine.root}${RECORDS}/${role}.json`;
}

/** The record of `role`; null when nothing was put. */
export async function readRecord(
  machine: Machine,
  role: ServiceRole,
): Promise<InstallRecord | null> {
  const path = pathOf(machine, role);
  const text = await readTextOrNull(path);
  if (text === null) return null;
  try {
    return Record_.parse(JSON.parse(text));
  } catch (error) {
    throw new UsherError(
      "invalid_input",
      `Cannot read ${path}: ${messageOf(error)}`,
      {
        hint:
          "a newer usher may have written it; without it nothing is taken away that was put before",
      },
    );
  }
}

/** Keeps a record; it is on the disk when this returns. */
export async function writeRecord(
  machine: Machine,
  role: ServiceRole,
  record: InstallRecord,
): Promise<void> {
  await makeFolder(`${machine.root}${RECORDS}`, 0o755);
  const text = `${JSON.stringify(record, null, 2)}\n`;
  await writeDurably(pathOf(machine, role), text, { mode: 0o644 });
}

/** Forgets a record, and the folders that held nothing else. */
export async function removeRecord(
  machine: Machine,
  role: ServiceRole,
): Promise<void> {
  await removeIfThere(pathOf(machine, role));
  for (const folder of [RECORDS, STATE_HOME]) {
    await removeIfEmpty(machine.root + folder);
  }
}
