/**
 * `usher plugin logs`.
 *
 * @module
 */
import type { PluginLogLine } from "../../../schema/plugin_life.ts";
import type { Api } from "../../api.ts";
import {
  choice,
  defineCommand,
  parsed,
  toggle,
  wholeNumber,
} from "../../command.ts";
import { EXIT } from "../../exit.ts";
import { printable } from "../../render/table.ts";
import { startWait } from "../../wait.ts";
import { followLog, type Said } from "./follow_log.ts";

const MAX_LINES = 10_000;

export const logs = defineCommand({
  about:
    "Show what a plugin said last: what its handlers logged, and what it wrote to its output. The controller keeps the newest thousand lines of each plugin in memory; its own log has them all.",
  words: { usage: "PLUGIN", min: 1, max: 1, completes: "plugin" },
  flags: {
    follow: toggle("go on with new lines until Ctrl-C", { short: "f" }),
    lines: parsed(
      "N",
      "how many old ones at most, 100 by default",
      wholeNumber("number of lines", { min: 0, max: MAX_LINES }),
      { short: "n" },
    ),
    output: choice(["table", "ndjson"], "form of the output", { short: "o" }),
  },
  examples: [
    ["usher plugin logs greeter", "its last hundred lines"],
    ["usher plugin logs greeter --follow", "and what it says from now on"],
  ],
  async run(context, { words: [name = ""], flags }) {
    const api = await context.api();
    using wait = startWait(context);
    const { io } = context;
    const show = (line: PluginLogLine) =>
      io.stdout.write(
        flags.output === "ndjson"
          ? `${JSON.stringify(line)}\n`
          : `${lineText(line)}\n`,
      );
    try {
      if (!flags.follow) {
        const { lines: limit } = flags;
        for await (const line of newest(api, name, limit, wait.signal)) {
          show(line);
        }
        return EXIT.done;
      }
      for await (const said of followLog(api, name, flags.lines, wait.signal)) {
        if (said.type === "line") show(said.line);
        else io.stderr.write(noteText(said));
      }
    } catch (error) {
      if (!wait.signal.aborted) throw error;
    }
    return EXIT.done;
  },
});

function newest(
  api: Api,
  name: string,
  limit: number | undefined,
  signal: AbortSignal,
) {
  return api.stream("pluginLogs", {
    params: { name },
    query: { limit: limit?.toString() },
    signal,
  }) as AsyncIterable<PluginLogLine>;
}

function noteText(said: Exclude<Said, { type: "line" }>): string {
  return said.type === "lost"
    ? "connection lost, coming back…\n"
    : `${said.count} line(s) came too fast and are left out\n`;
}

/** A line for people. */
export function lineText(
  { at, level, event, text, fields }: PluginLogLine,
): string {
  const from = event === null ? "" : ` ${event}:`;
  const rest = Object.entries(fields).map(([key, value]) =>
    ` ${key}=${JSON.stringify(value)}`
  ).join("");
  return printable(
    `${at.slice(11, 23)} ${level.padEnd(5)}${from} ${text}${rest}`,
  );
}
