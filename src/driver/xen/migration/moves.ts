/**
 * What both ends of a migration share: their parts, and what was said of it.
 *
 * @module
 */
import { joinWords, lastWords } from "../../carried/processes.ts";
import type { Peers } from "../../driver.ts";
import type { Turns } from "../../turns.ts";
import type { Domains } from "../domains.ts";
import type { XenEnvironment } from "../environment.ts";
import { wordsOf } from "../words.ts";

/** What a migration works with. */
export interface MoveParts {
  readonly env: XenEnvironment;
  readonly domains: Domains;
  readonly turns: Turns;
  readonly peers: Peers;
}

/** What the carrier and xl said of a migration. */
export async function moveWords(folder: string): Promise<string> {
  const { log, reason } = await lastWords(folder);
  return joinWords(reason, wordsOf(log));
}
