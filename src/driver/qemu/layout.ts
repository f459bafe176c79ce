/**
 * Where the driver keeps what, for each domain.
 *
 * Sockets and the pid file lie in the run directory and go with a reboot, as
 * their processes do. Handles, overlays and logs lie in the state directory
 * and stay until `forget`. Every file begins with the domain's uid, so what
 * belongs to whom can be told without any handle.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";

/** The files of one domain. */
export interface DomainFiles {
  readonly handle: string;
  /** QEMU holds a lock on it as long as it lives. */
  readonly pidFile: string;
  /** Two monitors: one socket serves one client, and a client may be stuck. */
  readonly monitors: readonly [string, string];
  readonly serial: string;
  readonly consoleLog: string;
  /** What QEMU itself says. */
  readonly qemuLog: string;
  /** The pid file and the monitor of a QEMU that moves a stopped domain's disks. */
  readonly carrier: { readonly pidFile: string; readonly monitor: string };
}

/** The directories of one driver. */
export interface Layout {
  readonly runDir: string;
  readonly handles: string;
  readonly overlays: string;
  readonly logs: string;
  readonly accelFile: string;
  /** What images were found to be; see `migration/sameness.ts`. */
  readonly digestFile: string;
  files(uid: string): DomainFiles;
  /** The overlay of a domain's disk number `index`. */
  overlay(uid: string, index: number): string;
}

// A unix socket's path has 108 bytes (unix(7)), its ending zero included.
const MAX_SOCKET_PATH = 107;

/** The layout in these two directories; null when sockets would not fit. */
export function layOut(stateDir: string, runDir: string): Layout | null {
  const layout = makeLayout(stateDir, runDir);
  const longest = layout.files("0".repeat(26)).serial;
  return new TextEncoder().encode(longest).length > MAX_SOCKET_PATH
    ? null
    : layout;
}

/** The layout in these two directories. Throws `invalid_input` when sockets would not fit. */
export function requireLayout(stateDir: string, runDir: string): Layout {
  const layout = layOut(stateDir, runDir);
  if (layout !== null) return layout;
  throw new UsherError(
    "invalid_input",
    `Cannot keep sockets in ${runDir}: with a domain's name it has more than the 107 bytes of a socket's path`,
    { field: "run_dir" },
  );
}

function makeLayout(stateDir: string, runDir: string): Layout {
  const handles = `${stateDir}/handles`;
  const overlays = `${stateDir}/overlays`;
  const logs = `${stateDir}/logs`;
  return {
    runDir,
    handles,
    overlays,
    logs,
    accelFile: `${stateDir}/accel.json`,
    digestFile: `${stateDir}/digests.json`,
    overlay: (uid, index) => `${overlays}/${uid}-${index}.qcow2`,
    files: (uid) => ({
      handle: `${handles}/${uid}.json`,
      pidFile: `${runDir}/${uid}.pid`,
      monitors: [`${runDir}/${uid}.qmp0`, `${runDir}/${uid}.qmp1`],
      serial: `${runDir}/${uid}.serial`,
      consoleLog: `${logs}/${uid}.console`,
      qemuLog: `${logs}/${uid}.qemu`,
      carrier: {
        pidFile: `${runDir}/${uid}.cpid`,
        monitor: `${runDir}/${uid}.cqmp`,
      },
    }),
  };
}
