/**
 * The local node manager: drives the hypervisors of one machine and keeps a
 * session with the controller.
 *
 * It holds no state that matters: what runs is what the drivers list. Ending
 * it, by whatever means, touches no domain.
 *
 * @module
 */
import { dirname } from "node:path";
import { UsherError } from "../error/mod.ts";
import type { LnmConfig } from "../schema/config.ts";
import { labelProblem } from "../schema/name.ts";
import { type Clock, systemClock } from "../sys/clock.ts";
import { makeFolder } from "../sys/file.ts";
import { newId } from "../sys/id.ts";
import { tryLockFile } from "../sys/lock.ts";
import type { Log } from "../sys/log.ts";
import {
  bootId,
  hostname,
  machineCapacity,
  machineCounters,
} from "../sys/machine.ts";
import { type Credential, join, readCredential } from "./credential.ts";
import { DriverSet } from "./driver_set.ts";
import { runNode } from "./node.ts";
import { peersOf } from "./peers.ts";
import { NodeReload } from "./reload.ts";
import { type NodeFacts, NodeSettings } from "./settings.ts";
import { HttpUplink } from "./uplink.ts";

/** What a node is started with. */
export interface LnmOptions {
  readonly config: LnmConfig;
  readonly version: string;
  readonly log: Log;
  readonly clock?: Clock;
  /** A join token, for a node that never joined. */
  readonly join?: string | undefined;
  /** Called once, when its drivers are known and it begins to call the controller. */
  readonly onWorking?: () => void;
  /**
   * Reads the configuration anew whenever `on` says so, until that is disposed
   * of; what can change while the node works is taken.
   */
  readonly reloads?: {
    readonly readConfig: () => Promise<LnmConfig>;
    readonly on: (reload: () => void) => Disposable;
    /** Told what is in force from now on. */
    readonly onConfig?: (config: LnmConfig) => void;
  };
  /** Called each time the controller, after a new session, counts on this node. */
  readonly onReady?: () => void;
}

/** Runs a node until `signal` aborts. Throws what keeps it from ever working. */
export async function runLnm(
  options: LnmOptions,
  signal: AbortSignal,
): Promise<void> {
  const { config, log, version } = options;
  const clock = options.clock ?? systemClock;
  // Its own alone is private: libvirt's QEMU comes through those above to its disks.
  await makeFolder(dirname(config.state_dir), ABOVE_MODE);
  await makeFolder(config.state_dir);
  await makeFolder(config.run_dir);
  using _lock = holdState(config.state_dir);
  const credential = await credentialFor(options);
  const peers = peersOf({ config, credential, clock, log });
  await using drivers = await DriverSet.open(config, {
    name: credential.name,
    peers,
    clock,
    log,
    newId,
  });
  await drivers.probe(signal);
  options.onWorking?.();
  const facts = await factsFor(config);
  const settings = new NodeSettings(facts);
  using _reloads = beginReloads(options, settings);
  const kept = peers.keep(signal);
  await runNode({
    ...facts,
    settings,
    identity: credential,
    uplink: new HttpUplink(credential),
    drivers,
    clock,
    log,
    version,
    random: Math.random,
    bootId: await bootId() ?? "",
    machineCounters,
    certificateEnd: peers.certificateEnd,
    onReady: () => options.onReady?.(),
  }, signal);
  await kept;
}

/** As systemd makes what is above a service's state. */
const ABOVE_MODE = 0o755;

function holdState(stateDir: string): Disposable {
  const lock = tryLockFile(`${stateDir}/lock`);
  if (lock !== null) return lock;
  throw new UsherError("busy", `Another LNM uses ${stateDir} already`, {
    hint: "stop that one first, or give this one another --state",
  });
}

/** The credential of this node; a join token is used up for a new one. */
export async function credentialFor(
  { config, join: word, version, log }: Pick<
    LnmOptions,
    "config" | "join" | "version" | "log"
  >,
): Promise<Credential> {
  const known = await readCredential(config.state_dir);
  if (word === undefined) {
    if (known !== null) return known;
    throw new UsherError(
      "unauthenticated",
      "This node has not joined a site yet",
      {
        hint:
          'print a token with "usher node token" and start "usher lnm --join TOKEN"',
      },
    );
  }
  if (known !== null) {
    log.info("this node has joined already; the token is not used", {
      url: known.url,
    });
    return known;
  }
  const name = config.name ?? hostname().split(".")[0]?.toLowerCase() ?? "";
  const problem = labelProblem(name);
  if (problem !== null) {
    throw new UsherError(
      "invalid_input",
      `The host's name cannot name a node: ${problem}`,
      {
        hint: "give it a name with --name",
      },
    );
  }
  return await join(word, name, version, config.state_dir);
}

async function factsFor(config: LnmConfig): Promise<NodeFacts> {
  const { cpus, memory: memoryMiB } = config.capacity;
  return {
    capacity: await machineCapacity(),
    given: {
      ...(cpus === undefined ? {} : { cpus }),
      ...(memoryMiB === undefined ? {} : { memoryMiB }),
    },
    labels: config.labels,
    overcommit: config.overcommit,
    usageMs: config.usage_interval,
  };
}

function beginReloads(
  { config, log, reloads }: LnmOptions,
  settings: NodeSettings,
): Disposable | undefined {
  if (reloads === undefined) return undefined;
  const { readConfig, onConfig } = reloads;
  const reload = new NodeReload({
    config,
    log,
    settings,
    readConfig,
    onConfig,
    factsOf: factsFor,
  });
  return reloads.on(() => void reload.reload());
}
