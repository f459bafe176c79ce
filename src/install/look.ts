/**
 * What lies where a file of ours belongs, and what is to become of it.
 *
 * A file that is neither as we put it nor an usher of another version is
 * somebody else's, and stays.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import {
  type Content,
  digestOf,
  isOfLink,
  lookAt,
} from "../sys/placed_file.ts";
import type { Machine } from "./machine.ts";
import type { InstallRecord } from "./record.ts";
import type { Thing } from "./things.ts";

/** A file that was looked at. */
export interface Seen {
  readonly thing: Thing;
  readonly digest: string;
  /** What becomes of it. */
  readonly fate: "put" | "replace" | "is there" | "stays";
}

/** What was put here before, for this role and for the other. */
export interface Records {
  readonly own: InstallRecord;
  readonly other: InstallRecord;
}

/** Looks at what lies where a file belongs, and decides. */
export async function look(
  machine: Machine,
  thing: Thing,
  { own, other }: Records,
): Promise<Seen> {
  const digest = await digestOf(contentOf(machine, thing));
  const found = await lookAt(machine.root + thing.path);
  if (found === "nothing") return { thing, digest, fate: "put" };
  if (found === "no plain file") return { thing, digest, fate: "stays" };
  if (found.digest === digest) return { thing, digest, fate: "is there" };
  const ours = [
    ...own.files[thing.path] ?? [],
    ...other.files[thing.path] ?? [],
  ];
  if (ours.includes(found.digest)) return { thing, digest, fate: "replace" };
  // Whoever made a link of it keeps the program elsewhere.
  const isOthers = thing.kind !== "program" || isOfLink(found.digest);
  if (isOthers) return { thing, digest, fate: "stays" };
  await requireUsher(machine, thing.path);
  return { thing, digest, fate: "replace" };
}

/** An older usher that was put by hand makes way; another program does not. */
async function requireUsher(machine: Machine, path: string): Promise<void> {
  if (await isUsher(machine, machine.root + path)) return;
  throw new UsherError(
    "already_exists",
    `Cannot put "${path}" in place: another program is there`,
    { subject: path, hint: "move it away, and run this again" },
  );
}

async function isUsher(machine: Machine, path: string): Promise<boolean> {
  try {
    const { stdout } = await machine.run(path, ["version"]);
    return /^usher \d/.test(stdout);
  } catch {
    return false; // it cannot even be run
  }
}

/** What belongs there. */
export function contentOf(machine: Machine, thing: Thing): Content {
  if (thing.kind === "program") return { file: machine.program };
  return thing.kind === "link" ? { link: thing.text } : { text: thing.text };
}
