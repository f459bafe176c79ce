/**
 * Why a QEMU process ended, from whatever was left behind.
 *
 * Its exit code is known only to the LNM that started it, its last event only
 * to one that listened. QEMU's own log outlives both: it is told to trace
 * what asked for the end, so a restarted LNM can still tell a guest that shut
 * down from a QEMU that was killed.
 *
 * @module
 */
import type { Exit } from "../../sys/child.ts";
import type { Ending } from "../ending.ts";

/** What is known of an end; each part may be missing. */
export interface Evidence {
  /** `reason` of the SHUTDOWN event (QMP's ShutdownCause). */
  readonly shutdownCause: string | null;
  readonly exit: Exit | null;
  /** The newest part of QEMU's log. */
  readonly logTail: string;
  /** The machine was booted since the domain was started. */
  readonly rebooted: boolean;
}

/** QMP's ShutdownCause by its number, as the trace prints it. */
const CAUSES = [
  "none",
  "host-error",
  "host-qmp-quit",
  "host-qmp-system-reset",
  "host-signal",
  "host-ui",
  "guest-shutdown",
  "guest-reset",
  "guest-panic",
  "subsystem-reset",
] as const;

/** How the domain ended, with what speaks for it. */
export function explainEnding(evidence: Evidence): Ending {
  const { exit, logTail } = evidence;
  const killer =
    /terminating on signal (\d+)(?: from pid (\d+)(?: \(([^)]*)\))?)?/.exec(
      logTail,
    );
  if (killer !== null) return crashed(describeKiller(killer));
  if (exit?.signal) {
    return crashed(withTail(`QEMU was killed by ${exit.signal}`, logTail));
  }
  const known = endingOfCause(evidence.shutdownCause ?? causeInLog(logTail));
  if (known !== null) return known;
  if (evidence.rebooted) return crashed("the node was restarted");
  if (logTail === "" && exit === null) {
    return crashed("its start was interrupted before QEMU ran");
  }
  if (exit?.code) {
    return crashed(withTail(`QEMU ended with exit code ${exit.code}`, logTail));
  }
  return crashed(
    withTail(
      "QEMU is gone without a trace of why; it may have been killed",
      logTail,
    ),
  );
}

/** The newest lines of QEMU's log that people want to see. */
export function meaningfulLines(logTail: string): string {
  return logTail.split("\n")
    .filter((line) =>
      line.trim() !== "" &&
      !/(runstate_set|qemu_system_shutdown_request) /.test(line)
    )
    .map((line) => line.replace(/^\S*qemu-system-\S+: /, ""))
    .slice(-4).join("; ").slice(-600);
}

function causeInLog(logTail: string): string | null {
  const last = [
    ...logTail.matchAll(/qemu_system_shutdown_request reason=(\d+)/g),
  ].at(-1);
  return last === undefined ? null : CAUSES[Number(last[1])] ?? null;
}

function endingOfCause(cause: string | null): Ending | null {
  switch (cause) {
    case "guest-shutdown":
      return { state: "stopped", reason: "guest shut down" };
    case "guest-reset":
      return { state: "stopped", reason: "guest ended with a reset" };
    case "host-qmp-quit":
    case "host-ui":
      return { state: "stopped", reason: "powered off" };
    case "guest-panic":
      return crashed("guest panicked");
    case "host-error":
      return crashed("QEMU ended after an error of its own");
    default:
      return null;
  }
}

function describeKiller([, signal, pid, name]: RegExpExecArray): string {
  const by = pid === undefined
    ? ""
    : ` from process ${pid}${name === undefined ? "" : ` (${name})`}`;
  return `QEMU was ended by signal ${signal}${by}`;
}

function crashed(reason: string): Ending {
  return { state: "crashed", reason };
}

function withTail(reason: string, logTail: string): string {
  const lines = meaningfulLines(logTail);
  return lines === "" ? reason : `${reason}; it said: ${lines}`;
}
