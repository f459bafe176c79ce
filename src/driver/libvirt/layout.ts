/**
 * Where the driver keeps what, for each domain.
 *
 * libvirt keeps the domain itself. What stands here beside it is what libvirt
 * forgets (how a run ended), cannot know (the spec), or leaves to others
 * (overlays). Every file begins with the domain's uid.
 *
 * @module
 */

/** The files of one domain. */
export interface DomainFiles {
  readonly handle: string;
  /** What its serial line says, as virtlogd writes it. */
  readonly consoleLog: string;
  /** Its definition, for as long as virsh reads it. */
  readonly definition: string;
  /** What there is of its migration. */
  readonly move: string;
  /** Where a virsh that sends it away finds the target's daemon. */
  readonly moveSocket: string;
}

/** The directories of one driver. */
export interface Layout {
  /** Tells this node's domains from those of another LNM on the same daemon. */
  readonly home: string;
  readonly handles: string;
  readonly overlays: string;
  readonly logs: string;
  readonly definitions: string;
  readonly moves: string;
  /** Short, since a socket's path has 107 bytes at most. */
  readonly runDir: string;
  files(uid: string): DomainFiles;
  /** The overlay of a domain's disk number `index`. */
  overlay(uid: string, index: number): string;
}

/** The layout in these directories. */
export function layOut(stateDir: string, runDir: string): Layout {
  const handles = `${stateDir}/handles`;
  const overlays = `${stateDir}/overlays`;
  const logs = `${stateDir}/logs`;
  const definitions = `${stateDir}/definitions`;
  const moves = `${stateDir}/moves`;
  return {
    home: stateDir,
    handles,
    overlays,
    logs,
    definitions,
    moves,
    runDir,
    overlay: (uid, index) => `${overlays}/${uid}-${index}.qcow2`,
    files: (uid) => ({
      handle: `${handles}/${uid}.json`,
      consoleLog: `${logs}/${uid}.console`,
      definition: `${definitions}/${uid}.xml`,
      move: `${moves}/${uid}`,
      moveSocket: `${runDir}/${uid}.move`,
    }),
  };
}
