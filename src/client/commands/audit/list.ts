/**
 * `usher audit list`.
 *
 * @module
 */
import type { AuditLine, AuditRecord } from "../../../schema/audit.ts";
import { didYouMean } from "../../../schema/nearest.ts";
import { systemClock } from "../../../sys/clock.ts";
import type { Api } from "../../api.ts";
import type { Context } from "../../command.ts";
import {
  choice,
  defineCommand,
  NO_WORDS,
  parsed,
  text,
  toggle,
  wholeNumber,
} from "../../command.ts";
import { EXIT } from "../../exit.ts";
import { failure } from "../../failure.ts";
import { backoffMs } from "../../follow.ts";
import { isCut, liveStream } from "../../live_stream.ts";
import { NOTHING } from "../../render/format.ts";
import { OUTPUT_FLAGS, printRows } from "../../render/output.ts";
import { type Column, printable } from "../../render/table.ts";
import { UsageError } from "../../usage.ts";
import { startWait } from "../../wait.ts";
import { VERB_WORDS } from "../vm/states.ts";
import { readMoment } from "./moment.ts";

const MAX_LIMIT = 100_000;
const DEFAULT_LIMIT = "100";
const MAX_ATTEMPTS = 30;
const RED = 31;

type Query = Readonly<Record<string, string | undefined>>;

export const list = defineCommand({
  about:
    "Show records of the audit log, oldest first: who asked what, from where, and what was decided. The newest hundred that fit, unless --limit says otherwise.",
  words: NO_WORDS,
  flags: {
    user: text("USER", "what this user asked"),
    verb: text("VERB", "of this verb of VMs, or of this route of the API"),
    vm: text("NAME", "that name this VM, cluster or node", {
      completes: "vm",
    }),
    decision: choice(
      ["allowed", "refused", "failed", "told"],
      "what became of it",
    ),
    since: text("WHEN", "no older ones: 2h, or 2026-11-26T12:00:00Z"),
    until: text("WHEN", "no newer ones"),
    limit: parsed(
      "N",
      "how many at most, 100 by default",
      wholeNumber("number of records", { min: 1, max: MAX_LIMIT }),
    ),
    follow: toggle("go on with new ones until Ctrl-C", { short: "f" }),
    ...OUTPUT_FLAGS,
  },
  examples: [
    ["usher audit list", "the newest hundred"],
    [
      "usher audit list --vm web1.lab.ann --since 1d",
      "who did what with a VM since yesterday",
    ],
    [
      "usher audit list --decision refused --follow",
      "what is refused from now on",
    ],
  ],
  async run(context, { flags }) {
    const now = context.io.now();
    const moment = (word: string | undefined) =>
      word === undefined ? undefined : readMoment(word, now);
    const { user, verb, vm, decision } = flags;
    const query: Query = {
      user,
      verb,
      vm,
      decision,
      since: moment(flags.since),
      until: moment(flags.until),
      limit: flags.limit?.toString() ?? DEFAULT_LIMIT,
    };
    if (flags.follow) return await follow(context, query, flags.output);
    await printRows(context, {
      read: async () => await readAll(await context.api(), query),
      columns: COLUMNS,
      name: ({ seq }) => String(seq),
      none: async () => `no such records${await meantVerb(verb)}`,
    }, flags);
    return EXIT.done;
  },
});

/** What the log calls acts that are neither verbs of VMs nor routes. */
const OTHER_VERBS = [
  "ctrl_start",
  "join",
  "certificate",
  "reload",
  "list",
  "lnm_list",
  "audit_trim",
  "audit_lost",
];

/** The verb that an unknown one is near; routes are verbs here, and loaded only now. */
async function meantVerb(verb: string | undefined): Promise<string> {
  if (verb === undefined) return "";
  const { ROUTES } = await import("../../../schema/route.ts");
  const known = [...VERB_WORDS, ...Object.keys(ROUTES), ...OTHER_VERBS];
  const meant = known.includes(verb) ? "" : didYouMean(verb, known);
  return meant === "" ? "" : `; ${meant}`;
}

async function readAll(api: Api, query: Query): Promise<AuditRecord[]> {
  const records: AuditRecord[] = [];
  for await (const line of api.stream("audit", { query })) {
    if ("seq" in (line as AuditLine)) records.push(line as AuditRecord);
  }
  return records;
}

const COLUMNS: readonly Column<AuditRecord>[] = [
  {
    key: "number",
    align: "right",
    value: ({ seq }) => String(seq),
    sort: ({ seq }) => seq,
  },
  { key: "at", value: ({ at }) => `${at.slice(0, 10)} ${at.slice(11, 19)}` },
  { key: "user", value: whoText },
  {
    key: "from",
    leavesFirst: true,
    value: ({ address }) => address ?? NOTHING,
  },
  { key: "verb", value: ({ verb }) => verb },
  { key: "names", shrinks: true, value: namesText },
  {
    key: "decision",
    value: ({ decision }) => decision,
    color: (decision) => decision === "refused" ? RED : undefined,
  },
  { key: "reason", shrinks: true, value: reasonText },
  {
    key: "args",
    wide: true,
    shrinks: true,
    value: ({ args }) => args === undefined ? NOTHING : JSON.stringify(args),
  },
  { key: "request", wide: true, value: ({ request }) => request ?? NOTHING },
  { key: "session", wide: true, value: ({ session }) => session ?? NOTHING },
  { key: "hash", wide: true, value: ({ hash }) => hash },
];

function whoText({ user, via }: AuditRecord): string {
  return user === "" ? `(${via})` : user;
}

function namesText({ names, more }: AuditRecord): string {
  if (names.length === 0) return NOTHING;
  return names.join(" ") + (more === undefined ? "" : ` and ${more} more`);
}

function reasonText({ reason, by }: AuditRecord): string {
  const who = by === undefined ? "" : `${by.join(", ")}: `;
  const text = `${who}${reason ?? (by === undefined ? "" : "changed it")}`;
  return text === "" ? NOTHING : text;
}

/** A record as one line for people. */
export function recordLine(record: AuditRecord): string {
  const reason = reasonText(record);
  return printable(
    `${record.at.slice(0, 19)}Z ${whoText(record)} ${record.verb} ${
      namesText(record)
    } ${record.decision}${reason === NOTHING ? "" : ` (${reason})`}`,
  );
}

async function follow(
  context: Context,
  query: Query,
  format: string | undefined,
): Promise<number> {
  if (format !== undefined && format !== "table" && format !== "ndjson") {
    throw new UsageError(
      `--follow prints lines, and -o ${format} is no form of lines`,
      "give -o ndjson",
    );
  }
  const api = await context.api();
  using wait = startWait(context);
  try {
    for await (const record of followed(api, query, wait.signal)) {
      context.io.stdout.write(
        `${
          format === "ndjson" ? JSON.stringify(record) : recordLine(record)
        }\n`,
      );
    }
  } catch (error) {
    if (!wait.signal.aborted) throw error;
  }
  return EXIT.done;
}

/** Records over as many connections as it takes, each going on after the last one. */
async function* followed(
  api: Api,
  query: Query,
  signal: AbortSignal,
): AsyncGenerator<AuditRecord, void, void> {
  const { head } = await api.call("auditHead", { signal });
  let after = head.seq;
  for (const record of await readAll(api, query)) {
    after = Math.max(after, record.seq);
    yield record;
  }
  for (let attempt = 0;; attempt++) {
    try {
      const asked = { ...query, follow: "1", after: String(after) };
      for await (
        const value of liveStream(api, "audit", { query: asked }, signal)
      ) {
        attempt = 0;
        const line = value as AuditLine;
        if ("seq" in line) {
          after = line.seq;
          yield line;
        } else if (line.type === "bye" && !line.resume) {
          throw await failure(
            "unauthenticated",
            `The stream has ended: ${line.reason}`,
            { hint: "usher login begins another" },
          );
        }
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!isCut(error) || attempt >= MAX_ATTEMPTS) throw error;
    }
    await systemClock.sleep(backoffMs(attempt, Math.random()), signal);
    api.reconnect();
  }
}
