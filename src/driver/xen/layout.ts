/**
 * Where the driver keeps what of a domain. Everything lies in the state
 * directory, begins with the domain's uid, and stays until `forget`; Xen's own
 * logs lie where Xen puts them, by the domain's name.
 *
 * @module
 */

/** The files of one domain. */
export interface DomainFiles {
  readonly handle: string;
  /** What `xl create` reads, and xl's monitor again at each reboot. */
  readonly config: string;
  /** What `xl create` says. */
  readonly xlLog: string;
  /** The folder of a migration under way. */
  readonly move: string;
}

/** The directories of one driver. */
export interface Layout {
  readonly stateDir: string;
  readonly handles: string;
  readonly configs: string;
  readonly logs: string;
  readonly moves: string;
  /** Where Xen's programs write their logs. */
  readonly xenLogs: string;
  files(uid: string): DomainFiles;
}

/** Where Debian and Xen itself put logs. */
const XEN_LOGS = "/var/log/xen";

/** The layout in this directory. */
export function layOut(stateDir: string, xenLogs: string = XEN_LOGS): Layout {
  const [handles, configs, logs, moves] = [
    "handles",
    "configs",
    "logs",
    "moves",
  ]
    .map((name) => `${stateDir}/${name}`) as [string, string, string, string];
  return {
    stateDir,
    handles,
    configs,
    logs,
    moves,
    xenLogs,
    files: (uid) => ({
      handle: `${handles}/${uid}.json`,
      config: `${configs}/${uid}.cfg`,
      xlLog: `${logs}/${uid}.xl`,
      move: `${moves}/${uid}`,
    }),
  };
}

/** The logs that Xen's console daemon may keep of a domain: one that has come from another host is called `--incoming` until it reboots. */
export function guestLogs({ xenLogs }: Layout, name: string): string[] {
  return [name, `${name}--incoming`].map((its) =>
    `${xenLogs}/console/guest-${its}.log`
  );
}

/** The log of the xl that watches over a domain. */
export function monitorLog({ xenLogs }: Layout, domainName: string): string {
  return `${xenLogs}/xl-${domainName}.log`;
}
