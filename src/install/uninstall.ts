/**
 * Taking away what was installed for a role, and nothing else.
 *
 * The record says what that is. What was edited since stays and is named; state
 * stays unless it is to be purged; guests run on. The record goes last, so a
 * run that was killed is finished by the next one.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import { listFolder, removeIfThere, statOrNull } from "../sys/file.ts";
import { lookAt, removeIfEmpty, unfinishedName } from "../sys/placed_file.ts";
import { type Machine, must } from "./machine.ts";
import {
  EMPTY,
  type InstallRecord,
  readRecord,
  removeRecord,
  writeRecord,
} from "./record.ts";
import { otherOf, type ServiceRole, thingsOf } from "./things.ts";

/** What is asked for. */
export interface UninstallOptions {
  readonly dryRun: boolean;
  /** Take away the state, too. */
  readonly purge: boolean;
}

/** Uninstalls `role`; see the head of this file. */
export async function uninstall(
  machine: Machine,
  role: ServiceRole,
  options: UninstallOptions,
): Promise<void> {
  requireRights(machine, role, options);
  const record = await readRecord(machine, role);
  if (record === null) {
    machine.say(`nothing was put here by "usher ${role} install"`);
    return;
  }
  const other = await readRecord(machine, otherOf(role)) ?? EMPTY;
  const guests = role === "lnm" ? await machine.guests() : 0;
  if (guests > 0 && options.purge) {
    throw new UsherError(
      "wrong_state",
      `Cannot purge: ${guests} guest(s) run on this machine, and their disks and handles lie in the state`,
      { hint: "destroy or drain them first, or leave --purge out" },
    );
  }
  const away = new Taking(machine, options.dryRun);
  await takeService(away, role, record);
  await takeFiles(away, { record, other });
  await takeState(away, role, { record, options, guests });
  if (options.dryRun) return;
  await finish(machine, role, record);
}

function requireRights(
  machine: Machine,
  role: ServiceRole,
  { dryRun }: UninstallOptions,
): void {
  if (machine.isRoot || dryRun) return;
  throw new UsherError(
    "permission_denied",
    "Cannot uninstall: you are not root",
    {
      hint:
        `sudo usher ${role} uninstall, or --dry-run to see what it would do`,
    },
  );
}

/** Does each step and tells it, or only tells. */
class Taking {
  readonly machine: Machine;
  readonly #dryRun: boolean;

  constructor(machine: Machine, dryRun: boolean) {
    this.machine = machine;
    this.#dryRun = dryRun;
  }

  async do(what: string, act: () => Promise<unknown>): Promise<void> {
    if (this.#dryRun) return this.machine.say(`would ${what}`);
    await act();
    this.machine.say(what);
  }

  keep(what: string): void {
    this.machine.say(`${this.#dryRun ? "would keep" : "keeps"} ${what}`);
  }
}

/** Whether the file at `path` is as we put it. */
async function isOurs(
  machine: Machine,
  path: string,
  digests: readonly string[],
): Promise<"ours" | "edited" | "gone"> {
  const found = await lookAt(machine.root + path);
  if (found === "nothing") return "gone";
  if (found === "no plain file") return "edited";
  return digests.includes(found.digest) ? "ours" : "edited";
}

async function takeService(
  away: Taking,
  role: ServiceRole,
  { files }: InstallRecord,
): Promise<void> {
  const { machine } = away;
  const { unit } = thingsOf(role);
  const path = `/etc/systemd/system/${unit}.service`;
  const isThere = await statOrNull(machine.root + path) !== null;
  // The unit is not ours: then what it runs is not, either.
  if (files[path] === undefined || !isThere) return;
  const now = machine.hasSystemd ? ["--now"] : [];
  await away.do(
    `stop ${unit}, and have it started no more`,
    () =>
      must(machine, `stop ${unit}`, [
        ...["systemctl", "disable", "--quiet", ...now, unit],
      ]),
  );
}

async function takeFiles(
  away: Taking,
  { record, other }: {
    readonly record: InstallRecord;
    readonly other: InstallRecord;
  },
): Promise<void> {
  const { machine } = away;
  for (const [path, digests] of Object.entries(record.files)) {
    const unfinished = machine.root + unfinishedName(path);
    if (await lookAt(unfinished) !== "nothing") {
      await away.do(
        `remove ${unfinishedName(path)}`,
        () => removeIfThere(unfinished),
      );
    }
    const state = await isOurs(machine, path, digests);
    if (state === "gone") continue;
    if (other.files[path] !== undefined) {
      away.keep(`${path}, which the other service runs`);
    } else if (state === "edited") away.keep(`${path}, which was edited`);
    else {
      await away.do(`remove ${path}`, () => removeIfThere(machine.root + path));
    }
  }
  if (machine.hasSystemd) {
    await away.do(
      "tell systemd that the unit is gone",
      () => must(machine, "reload the units", ["systemctl", "daemon-reload"]),
    );
  }
  for (const folder of [...record.folders].reverse()) {
    const path = machine.root + folder;
    if (other.folders.includes(folder) || await statOrNull(path) === null) {
      continue;
    }
    await away.do(
      `remove ${folder}, if it is empty`,
      () => removeIfEmpty(path),
    );
  }
}

async function takeState(
  away: Taking,
  role: ServiceRole,
  { record, options: { purge }, guests }: {
    readonly record: InstallRecord;
    readonly options: UninstallOptions;
    readonly guests: number;
  },
): Promise<void> {
  const { machine } = away;
  const { unit, state, run } = thingsOf(role);
  const changes = `/etc/systemd/system/${unit}.service.d`;
  if ((await listFolder(machine.root + changes)).length > 0) {
    away.keep(`${changes}, which is yours`);
  }
  if (guests > 0) {
    away.keep(
      `${guests} guest(s) running: "usher lnm install" finds them again`,
    );
  } else if (run !== null && await statOrNull(machine.root + run) !== null) {
    await away.do(`remove ${run}`, () => removeIfThere(machine.root + run));
  }
  const hasState = await statOrNull(machine.root + state) !== null;
  if (hasState && !purge) {
    away.keep(`${state}: usher ${role} uninstall --purge removes it`);
    if (record.user !== null) away.keep(`the user ${record.user}, whose it is`);
    return;
  }
  if (hasState) {
    await away.do(`remove ${state}`, () => removeIfThere(machine.root + state));
  }
  const { user } = record;
  if (user === null) return;
  if ((await machine.run("getent", ["passwd", user])).code !== 0) return;
  await away.do(
    `remove the user ${user}`,
    () => must(machine, `remove the user "${user}"`, ["userdel", user]),
  );
}

/** Of what is left the record stays: a later purge needs it. */
async function finish(
  machine: Machine,
  role: ServiceRole,
  { user }: InstallRecord,
): Promise<void> {
  const { state } = thingsOf(role);
  if (await statOrNull(machine.root + state) === null) {
    await removeRecord(machine, role);
  } else await writeRecord(machine, role, { ...EMPTY, user });
}
