/**
 * What both ends of a migration share: their parts, and the processes that
 * stand between them.
 *
 * @module
 */
import { UsherError } from "../../../error/mod.ts";
import { systemClock } from "../../../sys/clock.ts";
import { readLogTail } from "../../../sys/log_file.ts";
import {
  listPids,
  type ProcessId,
  readLiving,
  readProcess,
  readVariable,
  signalProcess,
} from "../../../sys/process_table.ts";
import type { Peers } from "../../driver.ts";
import type { Domain } from "../domain.ts";
import type { XenEnvironment } from "../environment.ts";
import { wordsOf } from "../words.ts";
import { moveFiles, readState } from "./protocol.ts";

/** What a migration works with. */
export interface MoveParts {
  readonly env: XenEnvironment;
  readonly peers: Peers;
}

/** In the environment of the xl that sends a domain away, with its uid. */
export const SENDER_VARIABLE = "USHER_MOVE";

const LOG_TAIL_BYTES = 8 * 1024;

/** The xl that sends the domain `uid` away, and what it started. */
export function findSenders(uid: string): ProcessId[] {
  return listPids().flatMap((pid) => {
    if (readVariable(pid, SENDER_VARIABLE) !== uid) return [];
    const stat = readProcess(pid);
    return stat === null || readLiving(stat) === null ? [] : [stat];
  });
}

/** The process that carries the domain of this folder; null when there is none alive. */
export async function findCarrier(folder: string): Promise<ProcessId | null> {
  const state = await readState(folder);
  return state === null ? null : readLiving(state);
}

/** Ends the carrier of this folder. */
export async function endCarrier(folder: string): Promise<void> {
  const carrier = await findCarrier(folder);
  if (carrier !== null) signalProcess(carrier, "SIGKILL");
}

/** What xl and the carrier said of a migration. */
export async function moveWords(folder: string): Promise<string> {
  const tail = await readLogTail(moveFiles(folder).log, LOG_TAIL_BYTES);
  const state = await readState(folder);
  const said = wordsOf(new TextDecoder().decode(tail));
  return [state?.reason ?? "", said].filter((words) => words !== "")
    .join("; ");
}

/** What is waited for, and for how long. */
export interface Wait {
  /** Such as `the process that listens for it`. */
  readonly what: string;
  readonly ms: number;
  readonly everyMs: number;
  readonly signal?: AbortSignal;
}

/** Looks until `look` answers something. Throws `timed_out`: what was waited for may come about later. */
export async function untilSeen<T>(
  { handle }: Domain,
  { what, ms, everyMs, signal }: Wait,
  look: () => Promise<T | undefined>,
): Promise<T> {
  const late = systemClock.monotonic() + ms;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (systemClock.monotonic() > late) {
      throw new UsherError(
        "timed_out",
        `Cannot move VM "${handle.name}": waited ${
          Math.round(ms / 1000)
        } s for ${what}`,
        { hint: "Its node may be too busy; try again." },
      );
    }
    await systemClock.sleep(everyMs, signal);
  }
}

/** A migration's act that does not fit what is there. */
export function cannotNow(act: string, { handle }: Domain, why: string) {
  return new UsherError(
    "wrong_state",
    `Cannot ${act} VM "${handle.name}": ${why}`,
  );
}
