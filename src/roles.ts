/**
 * Running a role from its command line: configuration from files and flags,
 * signals, exit codes.
 *
 * @module
 */
import { whyOf } from "./ctrl/audit/sink.ts";
import { EXIT, EXIT_OF } from "./client/exit.ts";
import { flagOverrides } from "./client/commands/config/roles.ts";
import { ctrlWord } from "./client/commands/ctrl.ts";
import { installWord } from "./client/commands/install.ts";
import { parseRole, type RoleName } from "./client/main.ts";
import { renderError, shownProblem } from "./client/render/problem.ts";
import { loadConfig, loadFile, loadLocated } from "./config/load.ts";
import { type Controller, startCtrl } from "./ctrl/ctrl.ts";
import { pluginProcesses } from "./ctrl/plugins/hosting.ts";
import { readLocalToken } from "./ctrl/local.ts";
import { type DevSite, startDev } from "./dev.ts";
import { isUsherError, toProblem, UsherError } from "./error/mod.ts";
import { runLnm } from "./lnm/lnm.ts";
import { CtrlConfig, LnmConfig } from "./schema/config.ts";
import { absolutePath, makeTempFolder, removeIfThere } from "./sys/file.ts";
import { createLog } from "./sys/log.ts";
import { runStateTool } from "./state_tools.ts";
import { keepWatchdog, notifyManager } from "./sys/notify.ts";
import { askedToEnd, Hangups, untilAsked } from "./sys/signal.ts";
import { surviveStrayErrors } from "./sys/stray.ts";
import {
  ask,
  isErrorTerminal,
  isInteractive,
  say,
  sayOver,
} from "./sys/terminal.ts";
import { VERSION } from "./version.ts";

/** Runs a role to its end; answers the exit code. */
export async function runRole(
  role: RoleName,
  argv: readonly string[],
): Promise<number> {
  try {
    const word = installWord(role, argv[1]);
    if (word !== null) return await (await installer()).runInstall(word, argv);
    switch (role) {
      case "ctrl":
        return await ctrl(argv);
      case "lnm":
        return await lnm(argv);
      case "dev":
        return await dev(argv);
      case "sim":
        return await sim(argv);
    }
  } catch (thrown) {
    const error = ofTheMachine(thrown) ?? thrown;
    const problem = toProblem(error);
    say(renderError(shownProblem(problem), false).trimEnd(), "stderr");
    // A bug is told with its stack; a user's mistake never is.
    if (!isUsherError(error) && error instanceof Error) {
      say(error.stack ?? "", "stderr");
    }
    return EXIT_OF[problem.code];
  }
}

/** Loaded by those who install alone. */
function installer(): Promise<typeof import("./install/mod.ts")> {
  return import("./install/mod.ts");
}

/**
 * What the operating system refused, told as such: a state directory that
 * cannot be made is nobody's bug. Null for anything else.
 */
function ofTheMachine(error: unknown): UsherError | null {
  if (isUsherError(error) || !(error instanceof Error)) return null;
  const [, why, rest = ""] = /^(.*) \(os error \d+\)(.*)$/s.exec(
    error.message,
  ) ?? [];
  if (why === undefined) return null;
  const [, path] = /'(\/[^']*)'/.exec(rest) ?? [];
  const what = path === undefined ? "do that" : `use ${path}`;
  return new UsherError(
    "unavailable",
    `Cannot ${what} on this machine: ${why.toLowerCase()}`,
    { hint: "check the paths given and their permissions", cause: error },
  );
}

async function ctrl(argv: readonly string[]): Promise<number> {
  const word = ctrlWord(argv[1]);
  if (word !== null) return await runStateTool(word, argv);
  const given = await parseRole("ctrl", argv);
  if ("exit" in given) return given.exit;
  const { flags, words } = given.parsed;
  if (ctrlWord(words[0]) !== null) {
    throw new UsherError("invalid_input", `"${words[0]}" stands behind flags`, {
      hint: `write usher ctrl ${words[0]} first, and the flags behind it`,
    });
  }
  const from = {
    file: flags.config,
    overrides: flagOverrides(flags),
  };
  const readConfig = () => loadLocated("ctrl", CtrlConfig, from);
  const { config } = await readConfig();
  if (words[0] === "admin-token") {
    say(await readLocalToken(config.state_dir));
    return EXIT.done;
  }
  const ending = askedToEnd();
  using hangups = new Hangups(() => ending.abort("the terminal is gone"));
  const log = createLog(config.log);
  surviveStrayErrors(log);
  using _watchdog = keepWatchdog();
  const controller = await startCtrl({
    config,
    version: VERSION,
    log,
    plugins: pluginProcesses({
      stateDir: config.state_dir,
      readConfig,
      log,
    }),
    readConfig,
    onConfig: ({ log: { level } }) => log.setLevel(level),
    onFirstPassword: sayFirstPassword,
  });
  using _reloads = hangups.on(() => void reloadAtHangup(controller));
  say(
    `ready: clients on port ${controller.clientsPort}, nodes on port ${controller.nodesPort}, ` +
      `CA SHA-256 ${controller.site.ca.fingerprint}`,
  );
  notifyManager("READY=1");
  const { lost } = controller;
  await Promise.race([untilAborted(ending.signal), untilAborted(lost)]);
  if (lost.aborted) log.error("another controller has taken the state");
  notifyManager("STOPPING=1");
  log.info("ending; VMs live on");
  await controller.close();
  return lost.aborted ? EXIT.conflict : EXIT.done;
}

/** What is wrong stands in the log, since nobody waits for an answer. */
async function reloadAtHangup({ site }: Controller): Promise<void> {
  const asked = {
    user: "",
    via: "controller" as const,
    verb: "reloadConfig",
    names: [],
    args: { by: "SIGHUP" },
  };
  site.audit.note({ ...asked, decision: "allowed" });
  await site.configuration.reload(false, "SIGHUP").catch((error) =>
    site.audit.note({ ...asked, ...whyOf(error) })
  );
}

function sayFirstPassword(user: string, password: string): void {
  say(`The first account is "${user}", its password is ${password}`);
  say("This is said once. Log in with: usher login URL --user admin");
  say("Then choose another, which stands in no log: usher user passwd");
}

async function lnm(argv: readonly string[]): Promise<number> {
  const given = await parseRole("lnm", argv);
  if ("exit" in given) return given.exit;
  const { flags } = given.parsed;
  const readConfig = () =>
    loadConfig("lnm", LnmConfig, {
      file: flags.config,
      overrides: flagOverrides(flags),
    });
  const config = await readConfig();
  const ending = askedToEnd();
  using hangups = new Hangups(() => ending.abort("the terminal is gone"));
  const log = createLog(config.log);
  surviveStrayErrors(log);
  using _watchdog = keepWatchdog();
  await runLnm({
    config,
    version: VERSION,
    log,
    join: flags.join,
    reloads: {
      readConfig,
      on: (reload) => hangups.on(reload),
      onConfig: ({ log: { level } }) => log.setLevel(level),
    },
    // Its domains are looked after from here on. To be let in may take as long
    // as the controller is away, and neither a start nor a boot waits for that.
    onWorking: () => notifyManager("READY=1\nSTATUS=calling the controller"),
    onReady: () => {
      say("ready: connected to the controller");
      notifyManager("STATUS=connected to the controller");
    },
  }, ending.signal);
  log.info("ended; VMs live on");
  return EXIT.done;
}

async function sim(argv: readonly string[]): Promise<number> {
  const given = await parseRole("sim", argv);
  if ("exit" in given) return given.exit;
  const { runSim } = await import("./simulator/sim.ts");
  const { flags } = given.parsed;
  return await runSim({ ...flags, shrinkS: flags["shrink-seconds"] }, {
    say,
    hint: isErrorTerminal() ? sayOver : () => {},
    now: () => performance.now(),
    signal: untilAsked(),
  });
}

async function dev(argv: readonly string[]): Promise<number> {
  const given = await parseRole("dev", argv);
  if ("exit" in given) return given.exit;
  const { flags } = given.parsed;
  const own = flags.state === undefined;
  const stateDir = flags.state === undefined
    ? await makeTempFolder("usher-dev-")
    : absolutePath(flags.state);
  const asked = untilAsked();
  const driver = flags.driver ?? "sim";
  const log = createLog({ level: "warn" });
  const site = await startDev({
    nodes: flags.nodes ?? 1,
    driver,
    stateDir,
    version: VERSION,
    log,
    clientsPort: flags.port ?? 0,
    plugins: pluginProcesses({
      stateDir: `${stateDir}/ctrl`,
      readConfig: () => devConfig(flags.config),
      log,
    }),
  });
  say(
    `ready: ${site.nodes.length} node(s) with driver ${driver} at ${site.url}`,
  );
  say(`  export USHERCLI_CONFIG=${site.cliConfig}`);
  say("  then, in another terminal: usher vm list");
  await untilAborted(asked);
  const back = `usher dev --nodes ${site.nodes.length} --driver ${driver} ` +
    `--state ${stateDir}`;
  const kept = await leave(site, flags.keep === true, back);
  await site.close();
  if (own && !kept) await removeIfThere(stateDir);
  return EXIT.done;
}

/** The plugins of a dev site: those that the file names, and the ones that are always there. */
async function devConfig(file: string | undefined) {
  return file === undefined
    ? { config: CtrlConfig.parse({}), locate: () => null }
    : await loadFile(absolutePath(file), CtrlConfig);
}

/**
 * At the end of a dev site its guests are asked about; true when they live
 * on, and then `back` is said to bring it back.
 */
async function leave(
  site: DevSite,
  keep: boolean,
  back: string,
): Promise<boolean> {
  const on = site.running();
  if (keep) {
    say(`kept: ${on.length} VM(s) live on; come back with: ${back}`);
    return true;
  }
  if (on.length > 0 && isInteractive()) {
    const answer = await ask(
      `\n${on.length} VM(s) are on. Cut their power? [Y/n] `,
    );
    if (/^n/i.test(answer ?? "")) {
      say(`They live on; come back with: ${back}`);
      return true;
    }
  }
  if (on.length > 0) say(`cutting the power of ${on.length} VM(s)`);
  await site.powerOffAll();
  return false;
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}
