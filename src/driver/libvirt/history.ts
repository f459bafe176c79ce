/**
 * What a domain's serial line has said, as far as somebody keeps a log of it.
 *
 * @module
 */
import { readLogTail } from "../../sys/log_file.ts";
import type { Domain } from "./domain.ts";
import { describe } from "./domain_reading.ts";

/** The newest `maxBytes`; nothing for an adopted domain whose line nobody logs. */
export async function readHistory(
  { handle, files }: Domain,
  maxBytes: number,
): Promise<Uint8Array> {
  const { adopted } = handle;
  const path = adopted === undefined
    ? files.consoleLog
    : describe(adopted.definition).consoleLog;
  return path === null
    ? new Uint8Array()
    : await readLogTail(path, maxBytes, VIRTLOGD_OLDER);
}

/** How virtlogd names the part of a log before the newest. */
const VIRTLOGD_OLDER = ".0";
