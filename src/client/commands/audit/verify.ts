/**
 * `usher audit verify`.
 *
 * The records are checked here and not by the controller, whose word is what
 * is in question.
 *
 * @module
 */
import {
  type AuditHead,
  type BrokenChain,
  ChainCheck,
} from "../../../schema/audit.ts";
import { sha256 } from "../../../sys/sha256.ts";
import type { Api } from "../../api.ts";
import { defineCommand, NO_WORDS, parsed } from "../../command.ts";
import { EXIT } from "../../exit.ts";
import { failure } from "../../failure.ts";
import { UsageError } from "../../usage.ts";
import { startWait } from "../../wait.ts";

/** The log may be cut while it is read; then it is read again, so often. */
const TRIES = 3;

export const verify = defineCommand({
  about:
    "Read the whole audit log and check that each record is what was written, and follows the one before it. With --head also that what was the newest record once is still there: without it, who can write the database could have made the whole log anew.",
  words: NO_WORDS,
  flags: {
    head: parsed(
      "HASH",
      "a hash that usher audit head, or the controller's own log, has said",
      readHash,
    ),
  },
  examples: [
    ["usher audit verify", "the chain alone"],
    [
      "usher audit verify --head 6b3f0d9c1f5f0a0d9a4e7c2b8d1e3f4a5b6c7d8e9f0a1b2c3d4e5f6a7b8c9d0e",
      "and that it still holds what was kept",
    ],
  ],
  async run(context, { flags }) {
    const api = await context.api();
    using wait = startWait(context);
    for (let tries = 1;; tries++) {
      const ends = await api.call("auditHead", { signal: wait.signal });
      const { check, broken } = await goThrough(api, ends, flags.head, wait);
      if (broken === null) {
        context.io.stdout.write(summary(check, ends));
        return EXIT.done;
      }
      const now = await api.call("auditHead", { signal: wait.signal });
      if (now.anchor.seq !== ends.anchor.seq && tries < TRIES) continue;
      throw await failure(
        "wrong_state",
        `The audit log is not as it was written: ${broken.text}`,
        {
          subject: String(broken.seq),
          hint: check.count === 0
            ? "no record before it can be trusted either; look for a backup of the state"
            : `${check.count} record(s) before it are right, up to ${check.last.seq}; a backup of the state has what was there`,
        },
      );
    }
  },
});

async function goThrough(
  api: Api,
  { anchor, head }: AuditHead,
  kept: string | undefined,
  { signal }: { readonly signal: AbortSignal },
): Promise<{ check: ChainCheck; broken: BrokenChain | null }> {
  const check = new ChainCheck(sha256, { anchor, head, kept });
  for await (const record of api.stream("audit", { signal })) {
    const broken = check.next(record);
    if (broken !== null) return { check, broken };
  }
  return { check, broken: check.end() };
}

function summary(check: ChainCheck, { anchor }: AuditHead): string {
  const { seq, hash } = check.last;
  const from = anchor.seq === 0
    ? "from the first one"
    : `from record ${anchor.seq + 1}`;
  return `${check.count} record(s) are as they were written, ${from} to record ${seq}\nhead ${hash}\n`;
}

function readHash(word: string): string {
  if (/^[0-9a-f]{64}$/i.test(word)) return word.toLowerCase();
  throw new UsageError(
    `"${word}" is no hash of a record`,
    "it has 64 digits of 0-9 and a-f; usher audit head shows one",
  );
}
