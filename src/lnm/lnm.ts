/**
 * The local node manager: drives the hypervisors of one machine and keeps a
 * session with the controller.
 *
 * It holds no state that matters: what runs is what the drivers list. Ending
 * it, by whatever means, touches no domain.
 *
 * @module
 */
import { isUsherError, messageOf, UsherError } from "../error/mod.ts";
import type { LnmConfig } from "../schema/config.ts";
import { labelProblem } from "../schema/name.ts";
import { type Clock, systemClock } from "../sys/clock.ts";
import { makeFolder } from "../sys/file.ts";
import { tryLockFile } from "../sys/lock.ts";
import type { Log } from "../sys/log.ts";
import { bootId, hostname, machineCapacity } from "../sys/machine.ts";
import { Acts } from "./acts.ts";
import { type Credential, join, readCredential } from "./credential.ts";
import { DriverSet } from "./driver_set.ts";
import { Reports } from "./reports.ts";
import {
  type LnmSession,
  runSession,
  type SessionMemory,
  type SessionParts,
} from "./session.ts";
import { collectUsage } from "./usage_loop.ts";

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;
const PROBE_EVERY_MS = 60_000;

/** What a node is started with. */
export interface LnmOptions {
  readonly config: LnmConfig;
  readonly version: string;
  readonly log: Log;
  readonly clock?: Clock;
  /** A join token, for a node that never joined. */
  readonly join?: string | undefined;
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
  await makeFolder(config.state_dir);
  await makeFolder(config.run_dir);
  using _lock = holdState(config.state_dir);
  const credential = await credentialFor(options);
  await using drivers = await DriverSet.open(config, credential.name, log);
  await drivers.probe(signal);
  const live: { session: LnmSession | null } = { session: null };
  const reports = new Reports(
    (domains) => live.session?.sendReliable({ type: "report", domains }),
    (frame) => drivers.look(frame, signal),
  );
  const acts = new Acts(
    drivers,
    (uid, isBusy, domain) => reports.busy(uid, isBusy, domain),
  );
  const loops = [
    ...[...drivers.all()].map((driver) =>
      reports.follow(driver, clock, log, signal)
    ),
    collectUsage(
      drivers,
      config.usage_interval,
      clock,
      log,
      (usage) => live.session?.send(usage),
      signal,
    ),
    probeAgain(drivers, clock, live, signal),
  ];
  const parts: SessionParts = {
    credential,
    drivers,
    acts,
    capacity: await capacityFor(config),
    labels: config.labels,
    version,
    bootId: await bootId() ?? "",
    log,
    live,
    onLive: (session) => void (live.session = session),
    onReady: () => options.onReady?.(),
  };
  await keepSession(parts, clock, signal);
  await Promise.allSettled(loops);
}

function holdState(stateDir: string): Disposable {
  const lock = tryLockFile(`${stateDir}/lock`);
  if (lock !== null) return lock;
  throw new UsherError("busy", `Another LNM uses ${stateDir} already`, {
    hint: "stop that one first, or give this one another --state",
  });
}

async function credentialFor(
  { config, join: word, version, log }: LnmOptions,
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

async function capacityFor(config: LnmConfig) {
  const machine = await machineCapacity();
  return {
    cpus: config.capacity.cpus ?? machine.cpus,
    memoryMiB: config.capacity.memory ?? machine.memoryMiB,
  };
}

async function keepSession(
  parts: SessionParts,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const memory: SessionMemory = { session: null };
  let wait = FIRST_RETRY_MS;
  while (!signal.aborted) {
    const began = clock.monotonic();
    try {
      const why = await runSession(parts, memory, signal);
      if (!signal.aborted) parts.log.warn("the session ended", { reason: why });
    } catch (error) {
      if (signal.aborted) return;
      if (isUsherError(error, "unauthenticated")) throw error;
      parts.log.warn("no session with the controller", {
        error: messageOf(error),
        againMs: Math.round(wait),
      });
    }
    if (clock.monotonic() - began > MAX_RETRY_MS) wait = FIRST_RETRY_MS;
    await clock.sleep(wait * (0.5 + Math.random()), signal).catch(() => {});
    wait = Math.min(MAX_RETRY_MS, wait * 2);
  }
}

async function probeAgain(
  drivers: DriverSet,
  clock: Clock,
  live: { session: LnmSession | null },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(PROBE_EVERY_MS, signal).catch(() => {});
    if (signal.aborted) return;
    if (await drivers.probe(signal).catch(() => false)) {
      live.session?.send({ type: "drivers", drivers: drivers.reports });
    }
  }
}
