/**
 * What a role needs on a machine to be a service there: the executable, its
 * unit, its default configuration, and the account it runs as.
 *
 * The texts are the files of `configs/` themselves; they travel inside the
 * executable.
 *
 * @module
 */
import ctrlUnit from "../../configs/usher-ctrl.service" with { type: "text" };
import lnmUnit from "../../configs/usher-lnm.service" with { type: "text" };
import ctrlConfig from "../../configs/ctrl.yaml" with { type: "text" };
import lnmConfig from "../../configs/lnm.yaml" with { type: "text" };

/** The roles that are services. */
export type ServiceRole = "ctrl" | "lnm";

/** A file that is put in place. */
export type Thing =
  & { readonly path: string; readonly mode: number }
  & (
    /** The executable itself. */
    | { readonly kind: "program" }
    /** Its text; of a link, where it leads. */
    | {
      readonly kind: "unit" | "configuration" | "link";
      readonly text: string;
    }
  );

/** All that belongs to a role. */
export interface Things {
  readonly unit: string;
  readonly files: readonly Thing[];
  /** Made when they are not there, in this order. */
  readonly folders: readonly string[];
  /** The account that the service runs as; null for root. */
  readonly user: string | null;
  /** What the service makes itself: state, and what is gone with a reboot. */
  readonly state: string;
  readonly run: string | null;
}

/** Where the executable lies. */
export const PROGRAM = "/usr/local/bin/usher";
/** The same file, as the shell that it is under this name. */
export const SHELL = "/usr/local/bin/ush";
/** What holds the state of both roles. */
export const STATE_HOME = "/var/lib/usher";
/** Where it is recorded what was put. */
export const RECORDS = `${STATE_HOME}/installed`;

const UNIT_FOLDER = "/etc/systemd/system";

/** What `role` needs. */
export function thingsOf(role: ServiceRole): Things {
  const unit = `usher-${role}`;
  return {
    unit,
    folders: ["/usr/local/bin", "/etc/usher", UNIT_FOLDER],
    files: [
      { path: PROGRAM, mode: 0o755, kind: "program" },
      { path: SHELL, mode: 0o777, kind: "link", text: "usher" },
      {
        path: `/etc/usher/${role}.yaml`,
        mode: 0o644,
        kind: "configuration",
        text: role === "ctrl" ? ctrlConfig : lnmConfig,
      },
      {
        path: `${UNIT_FOLDER}/${unit}.service`,
        mode: 0o644,
        kind: "unit",
        text: role === "ctrl" ? ctrlUnit : lnmUnit,
      },
    ],
    user: role === "ctrl" ? "usher" : null,
    state: `${STATE_HOME}/${role}`,
    run: role === "lnm" ? "/run/usher" : null,
  };
}

/** The other role, which may be on the same machine. */
export function otherOf(role: ServiceRole): ServiceRole {
  return role === "ctrl" ? "lnm" : "ctrl";
}
