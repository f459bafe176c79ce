/**
 * How far a monitor's session has come. Here, since both the session and the
 * errors that tell of it speak of it.
 *
 * @module
 */

/** How far a session has come. */
export type SessionState = "idle" | "connecting" | "running" | "disconnecting";
