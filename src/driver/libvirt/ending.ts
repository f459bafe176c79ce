/**
 * Why a domain ended, from whatever was left behind.
 *
 * libvirt keeps a reason for as long as it lives itself, its events name the
 * cause in words, and it writes both into QEMU's log, which outlives all. The
 * log may be out of the LNM's reach; the others are told then.
 *
 * @module
 */
import { readLogTail } from "../../sys/log_file.ts";
import type { Ending } from "../ending.ts";
import {
  endingOfShutoff,
  isLive,
  PRESERVED,
  SHUTOFF,
  STATE,
} from "./domain_state.ts";
import type { LibvirtEnvironment } from "./environment.ts";
import type { Handle } from "./handle.ts";
import type { Sighting } from "./sighting.ts";

const LOG_TAIL_BYTES = 16 * 1024;
/** Where the daemon of the system keeps QEMU's logs. */
const LOGS = "/var/log/libvirt/qemu";

/** Who was there when a domain ended. */
export interface Witness {
  readonly handle: Handle;
  readonly isCut: boolean;
  readonly isStartCut: boolean;
  readonly lastWords: string | null;
}

/** How `domain` ended, which `sighting` shows to be off, or gone from libvirt. */
export async function explainEnding(
  env: Pick<LibvirtEnvironment, "bootId">,
  domain: Witness,
  sighting: Sighting | null,
): Promise<Ending> {
  const name = sighting?.name ?? domain.handle.name;
  return endingOf({
    sighting,
    isCut: domain.isCut,
    isStartCut: domain.isStartCut,
    lastWords: domain.lastWords,
    wasBooted: domain.handle.bootId !== env.bootId,
    logTail: await tailOf(name),
  });
}

/** What is known of an end. */
export interface Evidence {
  /** Null when libvirt has no such domain any more. */
  readonly sighting: Sighting | null;
  /** usher was cutting its power. */
  readonly isCut: boolean;
  /** Its start was not seen to its end. */
  readonly isStartCut: boolean;
  /** Detail of the newest lifecycle event. */
  readonly lastWords: string | null;
  /** The machine was booted since the domain was started. */
  readonly wasBooted: boolean;
  /** The newest part of QEMU's log; empty when it cannot be read. */
  readonly logTail: string;
}

/** How it ended, with what speaks for it. */
export function endingOf(evidence: Evidence): Ending {
  const { sighting, isCut, lastWords, wasBooted } = evidence;
  if (isCut) return { state: "stopped", reason: "powered off" };
  if (sighting?.state === STATE.crashed) {
    return crashed(PRESERVED);
  }
  if (sighting?.isSaved === true) return SAVED;
  const log = lastRun(evidence.logTail);
  const reason = sighting?.reason ?? SHUTOFF.unknown;
  const killer = reason === SHUTOFF.destroyed ? null : killerIn(log);
  if (killer !== null) return crashed(killer);
  if (lastWords === PANICKED) return crashed("guest panicked");
  const known = endingOfShutoff(reason) ?? endingOfShutoff(reasonIn(log));
  if (known?.state === "crashed") return crashed(withTail(known.reason, log));
  if (known !== null) return known;
  if (wasBooted) return crashed("the node was restarted");
  if (evidence.isStartCut) {
    return crashed("its start was interrupted before it ran");
  }
  if (sighting === null) {
    return { state: "stopped", reason: GONE };
  }
  return crashed(withTail("it is off, and libvirt does not know why", log));
}

const SAVED: Ending = {
  state: "stopped",
  reason: "saved by hand; a start goes on from there",
};

/** How a domain is off whose end nobody here has seen; null for one that is not. */
export function offSince(sighting: Sighting): Ending | null {
  if (isLive(sighting)) return null;
  if (sighting.isSaved) return SAVED;
  return endingOfShutoff(sighting.reason) ?? { state: "stopped", reason: "" };
}

/** The handle is there before the domain is. */
const GONE =
  "its domain is gone: removed by hand, or its start was cut short before there was one";

/** The detail of the event of a guest that panicked. */
const PANICKED = "Crashed Panicked";

async function tailOf(name: string): Promise<string> {
  if (name.includes("/")) return "";
  return await readLogTail(`${LOGS}/${name}.log`, LOG_TAIL_BYTES)
    .then((bytes) => new TextDecoder().decode(bytes), () => "");
}

/** What QEMU and libvirt said since the newest start. */
function lastRun(log: string): string {
  const starts = [...log.matchAll(/^\S+ \S+: starting up.*$/gm)];
  return log.slice(starts.at(-1)?.index ?? 0);
}

/** Who has ended QEMU by a signal, but for libvirt itself. */
function killerIn(log: string): string | null {
  const [, signal, pid, program] =
    /terminating on signal (\d+)(?: from pid (\d+)(?: \(([^)]*)\))?)?/
      .exec(log) ?? [];
  if (signal === undefined || /libvirtd|virtqemud/.test(program ?? "")) {
    return null;
  }
  const by = pid === undefined
    ? ""
    : ` from process ${pid}${program === undefined ? "" : ` (${program})`}`;
  return `QEMU was ended by signal ${signal}${by}`;
}

/** The reason that libvirt has written behind QEMU's own words. */
function reasonIn(log: string): number {
  const name = /shutting down, reason=([a-z-]+)/.exec(log)?.[1] ?? "unknown";
  const known: Readonly<Record<string, number>> = SHUTOFF;
  return known[name] ?? SHUTOFF.unknown;
}

function crashed(reason: string): Ending {
  return { state: "crashed", reason };
}

function withTail(reason: string, log: string): string {
  const lines = log.split("\n")
    .filter((line) => /qemu-system-\S+: /.test(line))
    .map((line) => line.replace(/^.*?qemu-system-[^:]+: /, ""))
    .slice(-4).join("; ").slice(-600);
  return lines === "" ? reason : `${reason}; it said: ${lines}`;
}
