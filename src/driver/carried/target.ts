/**
 * The end of a move to which a domain comes, as far as it is the same for every
 * hypervisor: a process awaits the domain, and has it go on when a file says so,
 * and for nothing else.
 *
 * @module
 */
import type { ZodType } from "zod";
import { UsherError } from "../../error/mod.ts";
import { statOrNull, writeDurably } from "../../sys/file.ts";
import type { MovingDomain } from "./domain.ts";
import {
  type CarrierState,
  moveFiles,
  readState,
  readStateAs,
} from "./folder.ts";
import { findCarrier } from "./processes.ts";
import type { MoveRecord } from "./record.ts";
import { untilSeen } from "./waits.ts";

const LOOK_MS = 50;
/** How long the last of the domain may take to be here, and to go on. */
const SETTLE_MS = 90_000;

/** How the process that awaits a domain is waited for. */
export interface Awaiting<S extends CarrierState> {
  /** What such a process tells. */
  readonly state: ZodType<S>;
  readonly ms: number;
  /** Ends with the LNM. */
  readonly signal: AbortSignal;
  /** What was said in a folder by whatever failed. */
  words(folder: string): Promise<string>;
}

/** Waits until the process that awaits the domain listens; answers what it tells, the port among it. */
export async function awaitListening<S extends CarrierState>(
  domain: Pick<MovingDomain, "handle" | "files">,
  { state, ms, signal, words }: Awaiting<S>,
): Promise<S> {
  const { handle: { name }, files } = domain;
  const what = "the process that awaits it";
  const wait = { what, ms, everyMs: LOOK_MS, signal };
  return await untilSeen(domain, wait, async () => {
    const its = await readStateAs(state, files.move);
    if (its?.phase === "failed") {
      throw new UsherError(
        "driver_failed",
        `Cannot take in VM "${name}": ${await words(files.move)}`,
      );
    }
    return its === null || its.port === null ? undefined : its;
  });
}

/** Whether what was made ready for the domain is there still. */
export async function isAwaited(
  { files }: Pick<MovingDomain, "files">,
): Promise<boolean> {
  // Of a domain that is off there may be nothing to carry.
  if (await statOrNull(moveFiles(files.move).task) === null) return true;
  return await findCarrier(files.move) !== null;
}

/**
 * Has the process that holds the domain let it go on, which is written down
 * before. Answers how far that process came; null when it is gone.
 */
export async function letGo<M extends MoveRecord>(
  domain: MovingDomain<M>,
): Promise<CarrierState | null> {
  await awaitPhase(domain, ["ready", "done", "failed"]);
  const { move } = domain.handle;
  if (move !== null) {
    await domain.keep({ move: { ...move, phase: "activating" } });
  }
  await writeDurably(moveFiles(domain.files.move).go, "");
  return await awaitPhase(domain, ["done", "failed"]);
}

/** Waits for one of these; null when there is no process any more that could get there. */
async function awaitPhase(
  domain: Pick<MovingDomain, "handle" | "files">,
  phases: readonly CarrierState["phase"][],
): Promise<CarrierState | null> {
  const wait = { what: "the rest of it", ms: SETTLE_MS, everyMs: LOOK_MS };
  return await untilSeen(domain, wait, async () => {
    const isThere = await isAwaited(domain);
    const state = await readState(domain.files.move);
    if (state !== null && phases.includes(state.phase)) return state;
    return isThere ? undefined : null;
  });
}
