/**
 * What can go wrong with a monitor, by whose fault it is.
 *
 * ```
 * unavailable    could not connect, no greeting in time: nothing was sent
 * wrong_state    the caller's fault: the session is not in the state a call needs
 * driver_failed  QEMU said no to a command (cause: QmpRefusal), or broke the protocol
 * interrupted    sent, and the reply never came: the outcome is unknown
 * ```
 *
 * @module
 */
import { messageOf, UsherError } from "../../../error/mod.ts";
import type { SessionState } from "./session_state.ts";

/** QEMU's own answer to a command that it refused. */
export class QmpRefusal extends Error {
  override readonly name = "QmpRefusal";
  /** `GenericError`, `CommandNotFound`, `DeviceNotFound`, … */
  readonly errorClass: string;

  constructor(errorClass: string, description: string) {
    super(description);
    this.errorClass = errorClass;
  }
}

/** A session could not be opened. */
export function connectError(cause: unknown): UsherError {
  return new UsherError(
    "unavailable",
    `Cannot open the monitor: ${messageOf(cause)}`,
    { cause },
  );
}

/** A call came in a state that does not allow it. */
export function stateError(
  action: string,
  found: SessionState,
  required: SessionState,
): UsherError {
  return new UsherError(
    "wrong_state",
    `Cannot ${action}: the monitor's session is ${found} and must be ${required}`,
  );
}

/** QEMU refused `command`. */
export function commandError(command: string, refusal: QmpRefusal): UsherError {
  return new UsherError(
    "driver_failed",
    `QEMU refused ${command}: ${refusal.message}`,
    { cause: refusal },
  );
}

/** The reply to `command` never came. */
export function interruptedError(command: string, cause: unknown): UsherError {
  return new UsherError(
    "interrupted",
    `No reply to ${command}: ${messageOf(cause)}`,
    { cause },
  );
}

/** The peer does not speak the protocol. */
export function protocolError(what: string, cause?: unknown): UsherError {
  return new UsherError(
    "driver_failed",
    `Cannot understand the monitor: ${what}`,
    { cause },
  );
}
