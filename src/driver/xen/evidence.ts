/**
 * Why a domain is gone that nobody of usher's has ended, from what is left: the
 * log of the xl that watched over it, the last words on its console, and what
 * Xen showed of it last.
 *
 * @module
 */
import { readLogTail } from "../../sys/log_file.ts";
import { findConsoleLog } from "./console_log.ts";
import type { XenEnvironment } from "./environment.ts";
import type { Ending } from "../ending.ts";
import type { Handle } from "./handle.ts";
import { monitorLog } from "./layout.ts";
import { REASON, type Row } from "./listing.ts";

const TAIL_BYTES = 4096;
const MAX_LINES = 3;
const MAX_CHARS = 400;

/** How a run ended whose domain Xen has no more; `last` is what was seen of it. */
export async function explainGone(
  env: XenEnvironment,
  handle: Handle,
  last: Row | null,
): Promise<Ending> {
  if (handle.bootId !== env.bootId) return crashed("the node was restarted");
  if (!handle.created) {
    return crashed("its start was interrupted before it ran");
  }
  const said = await lastLines(monitorLog(env.layout, handle.name));
  if (last?.reason === REASON.suspend || /reason code 2\b/.test(said)) {
    return crashed("it was saved or moved away by hand, and is not here");
  }
  return crashed(
    `its domain is gone: destroyed by hand, or by Xen${
      said === "" ? "" : `; xl said: ${said}`
    }`,
  );
}

/** A crash, with the last words of the guest. */
export async function withLastWords(
  env: XenEnvironment,
  { name }: Handle,
  ending: Ending,
): Promise<Ending> {
  if (ending.state !== "crashed") return ending;
  const log = await findConsoleLog(env.layout, name);
  const said = log === null ? "" : await lastLines(log);
  return said === ""
    ? ending
    : { ...ending, reason: `${ending.reason}; its console said: ${said}` };
}

async function lastLines(path: string): Promise<string> {
  const text = new TextDecoder().decode(
    await readLogTail(path, TAIL_BYTES).catch(() => new Uint8Array()),
  );
  return text.split(/[\r\n]+/)
    // deno-lint-ignore no-control-regex -- what a guest prints goes to people's terminals
    .map((line) => line.replace(/\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x1f\x7f]/g, ""))
    .filter((line) => line.trim() !== "" && !/^Waiting for domain /.test(line))
    .slice(-MAX_LINES).join("; ").slice(-MAX_CHARS);
}

function crashed(reason: string): Ending {
  return { state: "crashed", reason };
}
