/**
 * The commands on a controller's state: check, backup, restore. Flags in, text
 * and exit codes out; what they do stands in `src/ctrl`.
 *
 * @module
 */
import { flagOverrides } from "./client/commands/config/roles.ts";
import { Api } from "./client/api.ts";
import { awaitChange } from "./client/plugin_change.ts";
import { type CtrlWord } from "./client/commands/ctrl.ts";
import { EXIT } from "./client/exit.ts";
import { parseCtrlCommand } from "./client/main.ts";
import { loadConfig } from "./config/load.ts";
import { makeBackup } from "./ctrl/backup/make.ts";
import { restoreBackup } from "./ctrl/backup/restore.ts";
import type { CtrlContext } from "./ctrl/context.ts";
import { checkState, type Report } from "./ctrl/state/check.ts";
import type { OnStateProgress } from "./ctrl/state/progress.ts";
import { checkCertificates } from "./ctrl/trust/check.ts";
import { openSource } from "./ctrl/state/source.ts";
import { localPlace } from "./ctrl/local.ts";
import { UsherError } from "./error/mod.ts";
import { CtrlConfig } from "./schema/config.ts";
import type { ConfigReloadAnswer } from "./schema/config_reload.ts";
import { systemClock } from "./sys/clock.ts";
import { absolutePath } from "./sys/file.ts";
import { newId } from "./sys/id.ts";
import { ProgressLine, type ProgressPlace } from "./state_progress.ts";
import type { Mutation } from "./store/store.ts";
import { createLog } from "./sys/log.ts";
import { untilAsked } from "./sys/signal.ts";
import { isErrorTerminal, say, sayOver } from "./sys/terminal.ts";
import { VERSION } from "./version.ts";

/** Only what goes wrong is said beside what was asked for. */
const CONTEXT: CtrlContext = {
  clock: systemClock,
  newId,
  log: createLog({ level: "error" }),
};

/** Standard error, where what was asked for is not in the way. */
const PLACE: ProgressPlace = {
  isTerminal: isErrorTerminal(),
  now: () => systemClock.monotonic(),
  say: (line) => say(line, "stderr"),
  sayOver,
};

/** Runs the command that stands behind `usher ctrl`; answers the exit code. */
export async function runStateTool(
  word: CtrlWord,
  argv: readonly string[],
): Promise<number> {
  const given = await parseCtrlCommand(word, argv);
  if ("exit" in given) return given.exit;
  const { flags, words } = given.parsed;
  const config = await loadConfig("ctrl", CtrlConfig, {
    file: flags.config,
    overrides: flagOverrides(flags),
  });
  const asked = untilAsked();
  const path = absolutePath(words[0] ?? "");
  switch (word) {
    case "check":
      return await check(config, "json" in flags && flags.json === true, asked);
    case "reload":
      return await reload(config, {
        check: "check" in flags && flags.check === true,
        json: "json" in flags && flags.json === true,
      }, asked);
    case "backup":
      return await backup(
        config,
        path,
        "force" in flags && flags.force === true,
        asked,
      );
    case "restore":
      return await restore(config, path, asked);
  }
}

async function check(
  config: CtrlConfig,
  json: boolean,
  signal: AbortSignal,
): Promise<number> {
  await using source = await openSource({
    config,
    context: CONTEXT,
    version: VERSION,
    signal,
  });
  const line = new ProgressLine(PLACE, "checked");
  const state = await checkState(counted(source.mutations(), line.show));
  line.end();
  const ends = await checkCertificates(config, CONTEXT.clock.now());
  const report = { ...state, findings: [...state.findings, ...ends] };
  const broken = report.findings.filter(({ weight }) => weight === "broken");
  say(json ? JSON.stringify(report) : textOf(report, source.isLive));
  return broken.length > 0 ? EXIT.failed : EXIT.done;
}

function textOf(
  { counts, revision, findings }: Report,
  isLive: boolean,
): string {
  const told = Object.entries(counts).map(([kind, count]) =>
    `${count} ${kind}`
  );
  const lines = findings.flatMap(({ weight, rule, text, right }) => [
    `${weight} (${rule}): ${text}`,
    `  right would be: ${right}`,
  ]);
  const broken = findings.filter(({ weight }) => weight === "broken").length;
  return [
    `read ${isLive ? "from the running controller" : "without a controller"}: ${
      told.join(", ") || "no records"
    }; newest revision ${revision}`,
    ...lines,
    findings.length === 0
      ? "the state is sound"
      : `${broken} broken, ${findings.length - broken} doubtful`,
    ...(broken === 0 ? [] : [
      "try: keep a copy of the state directory and report this; usher ctrl restore goes back to a backup",
    ]),
  ].join("\n");
}

async function backup(
  config: CtrlConfig,
  path: string,
  force: boolean,
  signal: AbortSignal,
): Promise<number> {
  const line = new ProgressLine(PLACE, "written");
  const { records, bytes, isLive } = await makeBackup({
    config,
    context: CONTEXT,
    version: VERSION,
    path,
    force,
    signal,
    onProgress: line.show,
  }).finally(() => line.end());
  say(
    `${path}: ${records} records, ${bytes} bytes, read ${
      isLive ? "from the running controller" : "without a controller"
    }`,
    "stderr",
  );
  say(
    "It holds the site's CA key and the hashes of all passwords and tokens: keep it secret",
    "stderr",
  );
  return EXIT.done;
}

async function restore(
  config: CtrlConfig,
  path: string,
  signal: AbortSignal,
): Promise<number> {
  if (config.kv_url !== undefined) {
    throw new UsherError(
      "unsupported",
      "Cannot restore into a database behind kv_url",
      { hint: "restore into a state directory (leave kv_url out)" },
    );
  }
  const line = new ProgressLine(PLACE, "restored");
  const { records, madeAt } = await restoreBackup({
    path,
    stateDir: config.state_dir,
    context: CONTEXT,
    signal,
    onProgress: line.show,
  }).finally(() => line.end());
  say(
    `${config.state_dir}: ${records} records as of ${madeAt}; start it with: usher ctrl --state ${config.state_dir}`,
    "stderr",
  );
  return EXIT.done;
}

async function reload(
  { state_dir }: CtrlConfig,
  { check, json }: { readonly check: boolean; readonly json: boolean },
  signal: AbortSignal,
): Promise<number> {
  using api = new Api(await localPlace(state_dir));
  const answer = await awaitChange(
    api,
    { signal, say: (line) => say(line, "stderr") },
    (call) => api.call("reloadConfig", { body: { check }, ...call }),
  );
  if (answer === null) return EXIT.stillRunning;
  for (const warning of answer.warnings) say(`warning: ${warning}`, "stderr");
  say(json ? JSON.stringify(answer) : reloadText(answer, check));
  return EXIT.done;
}

function reloadText(
  { taken, needsRestart, plugins }: ConfigReloadAnswer,
  check: boolean,
): string {
  const value = (text: string) => text || "(none)";
  const lines = [
    ...taken.map(({ key, from, to }) =>
      `${check ? "would be taken" : "taken"}: ${key} ${value(from)} → ${
        value(to)
      }`
    ),
    ...plugins.filter(({ change }) => change !== "same").map((
      { name, change },
    ) => `plugin ${name} ${check ? `would be ${change}` : change}`),
    ...needsRestart.map(({ key, from, to }) =>
      `needs a restart: ${key} ${value(from)} → ${value(to)}`
    ),
  ];
  return lines.length === 0 ? "nothing has changed" : lines.join("\n");
}

/** The same mutations, told as they are looked at. */
async function* counted(
  mutations: AsyncIterable<Mutation>,
  show: OnStateProgress,
): AsyncGenerator<Mutation> {
  let records = 0;
  for await (const mutation of mutations) {
    yield mutation;
    if (++records % 1000 === 0) show({ records, done: null, total: null });
  }
}
