/**
 * `usher dev`: a controller and some nodes in one process, for people who try
 * usher and for tests.
 *
 * Nothing here is special: the same controller and the same LNMs as anywhere,
 * over real TLS links on loopback, nodes joined by real tokens. Only names,
 * ports and directories are chosen for you.
 *
 * @module
 */
import { writeCredentials } from "./client/credentials.ts";
import { type Controller, FIRST_ACCOUNT, startCtrl } from "./ctrl/ctrl.ts";
import type { PluginHosting } from "./ctrl/plugins/hosted.ts";
import { isUsherError, UsherError } from "./error/mod.ts";
import { runLnm } from "./lnm/lnm.ts";
import { readCredential } from "./lnm/credential.ts";
import { CtrlConfig, LnmConfig } from "./schema/config.ts";
import { isFoundName } from "./schema/name.ts";
import { DRIVER_NAMES, type KnownDriver } from "./schema/known_driver.ts";
import { MAX_VMS } from "./schema/request.ts";
import { encodeJoinToken } from "./schema/join_token.ts";
import type { Clock } from "./sys/clock.ts";
import { makeFolder, readTextOrNull, writeDurably } from "./sys/file.ts";
import type { Log } from "./sys/log.ts";

/** How long a node may take to connect. */
const READY_MS = 120_000;

/** How long cutting the power of every VM may take at the end. */
const POWER_OFF_MS = 120_000;

/** Who cuts the power at the end: the owner of the process. */
const OWNER = {
  user: FIRST_ACCOUNT,
  role: "admin",
  expiresAt: "",
  session: "",
} as const;

/** What goes over a node's defaults, as lnm.yaml would say it. */
type NodeConfig = Readonly<Record<string, unknown>>;

/** What `usher dev` and the tests choose about their site. */
export interface DevOptions {
  readonly nodes: number;
  readonly driver: KnownDriver;
  /** An absolute path; everything the site keeps is below it. */
  readonly stateDir: string;
  readonly version: string;
  readonly log: Log;
  /** 0 takes free ports. */
  readonly clientsPort?: number;
  readonly nodesPort?: number;
  /** What goes over the defaults, as the files would say it. */
  readonly ctrl?: Readonly<Record<string, unknown>>;
  readonly lnm?: NodeConfig | ((node: string) => NodeConfig);
  /** How plugins are run. */
  readonly plugins: PluginHosting;
  /** The controller's; that of the machine when absent. */
  readonly clock?: Clock;
}

/** A site that runs in this process. */
export interface DevSite extends AsyncDisposable {
  readonly controller: Controller;
  readonly url: string;
  readonly token: string;
  /** A cli.yaml that USHERCLI_CONFIG may name. */
  readonly cliConfig: string;
  /** Names of its nodes. */
  readonly nodes: readonly string[];
  /** Ends one node, as SIGTERM would. */
  stopNode(name: string): Promise<void>;
  /** Starts a node that was ended. */
  startNode(name: string): Promise<void>;
  /** VMs that are on. */
  running(): string[];
  /** Cuts the power of every VM. */
  powerOffAll(): Promise<void>;
  /** Ends all roles; VMs live on. */
  close(): Promise<void>;
}

interface RunningNode {
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

/** Starts a site; resolves once every node is connected. */
export async function startDev(options: DevOptions): Promise<DevSite> {
  const { stateDir, log } = options;
  await makeFolder(stateDir);
  const controller = await startCtrl({
    config: ctrlConfig(options),
    version: options.version,
    log: log.with({ role: "ctrl" }),
    plugins: options.plugins,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    onFirstPassword: (_user, password) =>
      writeDurably(`${stateDir}/admin-password`, `${password}\n`),
  }).catch((error) => {
    throw withDevHint(error);
  });
  const running = new Map<string, RunningNode>();
  const names = Array.from({ length: options.nodes }, (_, i) => `n${i + 1}`);
  const close = async () => {
    for (const { abort } of running.values()) abort.abort("the site ends");
    await Promise.allSettled([...running.values()].map(({ done }) => done));
    await controller.close();
  };
  try {
    await Promise.all(
      names.map((name) => startNode(options, controller, name, running)),
    );
    const url = `https://127.0.0.1:${controller.clientsPort}`;
    const token = await writeClientFiles(controller, stateDir, url);
    return {
      controller,
      url,
      token,
      nodes: names,
      close,
      cliConfig: `${stateDir}/cli.yaml`,
      stopNode: async (name) => {
        running.get(name)?.abort.abort("asked to end");
        await running.get(name)?.done;
        running.delete(name);
      },
      startNode: (name) => startNode(options, controller, name, running),
      running: () => runningVms(controller),
      powerOffAll: () => powerOffAll(controller),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Here a port is chosen by another flag than the controller's own. */
function withDevHint(error: unknown): unknown {
  if (!isUsherError(error)) return error;
  if (error.details.field?.startsWith("listen.") !== true) return error;
  const hint = "choose another --port, or leave it out for one that is free";
  return new UsherError(error.code, error.message, {
    ...error.details,
    hint,
  });
}

function ctrlConfig(
  { stateDir, clientsPort = 0, nodesPort = 0, ctrl = {}, driver }: DevOptions,
): CtrlConfig {
  return CtrlConfig.parse({
    state_dir: `${stateDir}/ctrl`,
    listen: {
      clients: `127.0.0.1:${clientsPort}`,
      nodes: `127.0.0.1:${nodesPort}`,
    },
    names: ["127.0.0.1", "localhost"],
    defaults: { driver },
    ...ctrl,
  });
}

function lnmConfig(
  { stateDir, driver, lnm = {} }: DevOptions,
  name: string,
): LnmConfig {
  const its = typeof lnm === "function" ? lnm(name) : lnm;
  const { drivers = {}, ...rest } = its as { drivers?: Record<string, object> };
  return LnmConfig.parse({
    name,
    state_dir: `${stateDir}/${name}`,
    run_dir: `${stateDir}/run/${name}`,
    drivers: Object.fromEntries(
      DRIVER_NAMES.map((
        one,
      ) => [one, { enabled: driver === one, ...drivers[one] }]),
    ),
    usage_interval: "2s",
    // Simulated VMs need no processor.
    ...(driver === "sim" ? { overcommit: { cpus: 1000 } } : {}),
    ...rest,
  });
}

async function startNode(
  options: DevOptions,
  controller: Controller,
  name: string,
  running: Map<string, RunningNode>,
): Promise<void> {
  const config = lnmConfig(options, name);
  const joined = await readCredential(config.state_dir);
  const join = joined === null ? await tokenFor(controller, name) : undefined;
  if (joined !== null) await moveTo(config.state_dir, joined, controller);
  const abort = new AbortController();
  const ready = Promise.withResolvers<void>();
  const done = runLnm({
    config,
    join,
    version: options.version,
    log: options.log.with({ role: "lnm", node: name }),
    onReady: () => ready.resolve(),
  }, abort.signal);
  done.catch((error) => ready.reject(error));
  running.set(name, { abort, done: done.catch(() => {}) });
  await ready.promise;
  const until = AbortSignal.timeout(READY_MS);
  await controller.site.links.link(name).untilReady(until);
}

async function tokenFor({ site }: Controller, name: string): Promise<string> {
  const { secret } = await site.nodes.newToken(name, 60_000);
  return encodeJoinToken({ url: site.nodesUrl, ca: site.ca.pem, secret });
}

/** A site that was started again may listen on another port. */
async function moveTo(
  stateDir: string,
  credential: { url: string },
  { site }: Controller,
): Promise<void> {
  if (credential.url === site.nodesUrl) return;
  await writeDurably(
    `${stateDir}/credential.json`,
    `${JSON.stringify({ ...credential, url: site.nodesUrl })}\n`,
  );
}

async function writeClientFiles(
  { site }: Controller,
  stateDir: string,
  url: string,
): Promise<string> {
  const { token, caller } = await site.accounts.openSession(
    FIRST_ACCOUNT,
    site.config.session_ttl,
  );
  const credentials = `${stateDir}/credentials.json`;
  await writeDurably(`${stateDir}/ca.pem`, site.ca.pem, { mode: 0o644 });
  await writeCredentials(credentials, {
    controller: url,
    user: caller.user,
    token,
    caPem: site.ca.pem,
    expiresAt: caller.expiresAt,
  });
  const text =
    `controller: ${url}\nca_file: ${stateDir}/ca.pem\ncredentials: ${credentials}\n`;
  if (await readTextOrNull(`${stateDir}/cli.yaml`) !== text) {
    await writeDurably(`${stateDir}/cli.yaml`, text);
  }
  return token;
}

/** VMs of ours that are on, or that an operation may be about to turn on. */
function runningVms({ site }: Controller): string[] {
  const { picture } = site.records.capacity;
  return [...site.records.vms.values()]
    .filter(({ name, uid }) =>
      !isFoundName(name) && picture.resident(uid)?.on === true
    )
    .map(({ name }) => name);
}

async function powerOffAll(controller: Controller): Promise<void> {
  const { site } = controller;
  const names = runningVms(controller);
  const until = performance.now() + POWER_OFF_MS;
  for (let from = 0; from < names.length; from += MAX_VMS) {
    const { request } = await site.requests.submit({
      verb: "poweroff",
      names: names.slice(from, from + MAX_VMS),
      args: {},
      queue: true,
    }, OWNER);
    while (!site.requests.result(request, OWNER).done) {
      if (performance.now() > until) throw stillOn(controller);
      await site.changes.next(AbortSignal.timeout(1000));
    }
  }
}

function stillOn(controller: Controller): UsherError {
  const names = runningVms(controller);
  return new UsherError(
    "timed_out",
    `${names.length} VM(s) are still on ${
      POWER_OFF_MS / 1000
    } s after their power was cut: ${names.slice(0, 5).join(", ")}`,
    { hint: "start again with the same --state to look after them" },
  );
}
