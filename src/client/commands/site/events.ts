/**
 * `usher events`.
 *
 * @module
 */
import type { ClusterView } from "../../../schema/cluster.ts";
import type { NodeView, VmView } from "../../../schema/change.ts";
import type { NodeOperation } from "../../../schema/node_operation.ts";
import type { Operation } from "../../../schema/operation.ts";
import {
  choice,
  defineCommand,
  NO_WORDS,
  parsed,
  toggle,
  wholeNumber,
} from "../../command.ts";
import { EXIT } from "../../exit.ts";
import { printable } from "../../render/table.ts";
import { unknownWord } from "../../usage.ts";
import { startWait } from "../../wait.ts";
import { type Change, watch } from "../../watch.ts";
import { JoinedSignal } from "../../../sys/joined_signal.ts";

const KINDS = ["vm", "node", "operation", "node-operation", "cluster"];

/** Without --follow, what came after --since ends where it is quiet so long. */
const QUIET_MS = 500;

export const events = defineCommand({
  about:
    "Show what changes on the site. Without --follow or --since it shows what is there now.",
  words: NO_WORDS,
  flags: {
    follow: toggle("go on until Ctrl-C", { short: "f" }),
    kinds: parsed(
      "KINDS",
      "vm, node, operation, node-operation, separated by commas",
      readKinds,
    ),
    since: parsed(
      "REV",
      "begin after this revision",
      wholeNumber("revision", { min: 0, max: Number.MAX_SAFE_INTEGER }),
    ),
    output: choice(["table", "ndjson"], "form of the output", { short: "o" }),
  },
  examples: [
    ["usher events --follow", "all that happens from now on"],
    [
      "usher events --kinds vm --since 4711 -o ndjson",
      "for a program that remembers where it was",
    ],
  ],
  async run(context, { flags }) {
    const { io } = context;
    const api = await context.api();
    using limit = startWait(context);
    const quiet = new AbortController();
    using joined = new JoinedSignal(limit.signal, quiet.signal);
    const { signal } = joined;
    let timer = flags.follow
      ? undefined
      : setTimeout(() => quiet.abort(), 10 * QUIET_MS);
    try {
      const options = {
        since: flags.since,
        kinds: flags.kinds,
        snapshot: !flags.follow || flags.since !== undefined,
      };
      for await (const change of watch(api, options, signal)) {
        if (!flags.follow && flags.since !== undefined) {
          clearTimeout(timer);
          timer = setTimeout(() => quiet.abort(), QUIET_MS);
        }
        if (change.type === "hello") continue;
        if (change.type === "synced") {
          if (!flags.follow && flags.since === undefined) return EXIT.done;
          continue;
        }
        // How far something has come is no event: a person would see nothing else.
        if (flags.output !== "ndjson" && isProgress(change)) continue;
        const line = flags.output === "ndjson"
          ? JSON.stringify(change)
          : changeLine(change);
        io.stdout.write(`${line}\n`);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
    }
    return EXIT.done;
  },
});

function readKinds(word: string): string {
  for (const kind of word.split(",")) {
    if (!KINDS.includes(kind)) {
      throw unknownWord("kind", kind, KINDS, `kinds: ${KINDS.join(", ")}`);
    }
  }
  return word;
}

type Shown = Exclude<Change, { type: "hello" | "synced" }>;

/** Whether a change tells only how far an operation's step has come. */
export function isProgress(change: Shown): boolean {
  return change.type === "put" && change.kind === "operation" &&
    (change.value as Operation).progress !== undefined;
}

/** A change as one line for people. */
export function changeLine(change: Shown): string {
  const at = change.type === "snapshot" ? "now     " : change.at.slice(11, 19);
  const revision = change.type === "snapshot" ? "" : ` #${change.revision}`;
  return printable(
    `${at} ${change.kind.padEnd(9)} ${textOf(change)}${revision}`,
  );
}

function textOf(change: Shown): string {
  if (change.type === "delete") return `${change.name} is gone`;
  const { kind, value } = change;
  const note = change.type === "put" && change.note !== ""
    ? ` (${change.note})`
    : "";
  switch (kind) {
    case "vm": {
      const { name, status, node } = value as VmView;
      return `${name} ${status.state}${
        node === null ? "" : ` on ${node}`
      }${note}`;
    }
    case "node": {
      const { name, state } = value as NodeView;
      return `${name} ${state}${note}`;
    }
    case "cluster": {
      const { name, shares } = value as ClusterView;
      return `${name} shared with ${shares.length}${note}`;
    }
    case "node-operation": {
      const { id, verb, node, state } = value as NodeOperation;
      return `${id} ${verb} ${node} ${state}${note}`;
    }
    case "operation": {
      const { id, verb, vm, state, step } = value as Operation;
      return `${id} ${verb} ${vm} ${state}${
        step === null ? "" : ` at ${step}`
      }${note}`;
    }
  }
}
