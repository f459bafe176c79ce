/**
 * Keeping how far a migration has come, and what every part of it needs.
 *
 * @module
 */
import type { Transfer } from "../../../schema/frame.ts";
import type { Peers } from "../../driver.ts";
import type { Domain } from "../domain.ts";
import type { QemuEnvironment } from "../environment.ts";
import type { MoveRecord } from "./record.ts";
import type { Sameness } from "./sameness.ts";

/** What the acts of a migration work with. */
export interface MoveParts {
  readonly env: QemuEnvironment;
  readonly peers: Peers;
  readonly sameness: Sameness;
}

/** Keeps `move`; durable when this resolves, and told from then on. */
export async function keepMove(
  domain: Domain,
  move: MoveRecord | null,
): Promise<void> {
  const handle = { ...domain.handle, move };
  await domain.keeper.keep(handle);
  domain.handle = { ...domain.handle, move };
  domain.publish();
}

/** The record of a move that begins. */
export function newMove(
  { id, peer, live, options }: Transfer,
  role: MoveRecord["role"],
  paused: boolean,
): MoveRecord {
  return {
    id,
    peer,
    role,
    phase: role === "source" ? "disks" : "receiving",
    live,
    paused,
    postCopy: options.postCopy,
    ticket: null,
    made: [],
  };
}
