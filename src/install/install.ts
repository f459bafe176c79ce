/**
 * Making a role a service of this machine.
 *
 * First it looks and says what is to be done, then it writes into the record what
 * will be ours, then it acts; so a run that was killed anywhere is finished by
 * the next one, and one that finds all in place does nothing. What others have
 * put or edited is never touched.
 *
 * @module
 */
import { isUsherError, messageOf, UsherError } from "../error/mod.ts";
import { makeFolder, statOrNull } from "../sys/file.ts";
import { placeFile } from "../sys/placed_file.ts";
import { contentOf, look, type Records, type Seen } from "./look.ts";
import { type Machine, must } from "./machine.ts";
import {
  EMPTY,
  type InstallRecord,
  readRecord,
  writeRecord,
} from "./record.ts";
import { otherOf, PROGRAM, type ServiceRole, thingsOf } from "./things.ts";

/** What is asked for beside the files. */
export interface InstallOptions {
  readonly dryRun: boolean;
  /** Neither start nor restart it; for images, and for who starts it later. */
  readonly start: boolean;
  /** Joins a site; null when there is nothing to join, and why it cannot be started. */
  readonly join: {
    readonly said: string;
    act(): Promise<void>;
  } | null;
  /** Why it is not started however much that is asked for; null when it can be. */
  readonly waitsFor: string | null;
}

/** One thing to do, and how it is told. */
interface Step {
  readonly does: string;
  readonly act: () => Promise<void>;
}

/** Installs `role`; see the head of this file. */
export async function install(
  machine: Machine,
  role: ServiceRole,
  options: InstallOptions,
): Promise<void> {
  await requireMachine(machine, role, options);
  const own = await readRecord(machine, role) ?? EMPTY;
  const other = await readRecord(machine, otherOf(role)) ?? EMPTY;
  const seen: Seen[] = [];
  for (const thing of thingsOf(role).files) {
    seen.push(await look(machine, thing, { own, other }));
  }
  for (const { thing, fate } of seen) {
    if (fate !== "stays") continue;
    machine.say(
      `keeps ${thing.path}, which was edited or put by somebody else`,
    );
  }
  const news = await recordOf(machine, role, { own, other, seen });
  const steps = [
    ...recording(machine, role, { news, other, seen }),
    ...await placing(machine, role, { own, news, seen }),
    ...await serving(machine, role, { options, seen }),
    {
      does: "",
      act: () => writeRecord(machine, role, settled(news, seen)),
    },
  ];
  for (const { does, act } of steps) {
    if (options.dryRun) {
      if (does !== "") machine.say(`would ${does}`);
      continue;
    }
    await doOrTell(does, act);
    if (does !== "") machine.say(does);
  }
  await tellOthers(machine, role, { other, seen });
}

/** What the operating system refuses is told as such: a disk that is full, or only read. */
async function doOrTell(does: string, act: Step["act"]): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (isUsherError(error)) throw error;
    const [, why = messageOf(error)] = /^(.*?) \(os error \d+\)/.exec(
      messageOf(error),
    ) ?? [];
    throw new UsherError(
      "unavailable",
      `Cannot ${
        does || "keep the record of what is installed"
      }: ${why.toLowerCase()}`,
      {
        hint: "what is in place stays; mend this, and run the same again",
        cause: error,
      },
    );
  }
}

async function requireMachine(
  machine: Machine,
  role: ServiceRole,
  { dryRun, start }: InstallOptions,
): Promise<void> {
  if (!machine.isRoot && !dryRun) {
    throw new UsherError(
      "permission_denied",
      "Cannot install: you are not root",
      {
        hint:
          `sudo usher ${role} install, or --dry-run to see what it would do`,
      },
    );
  }
  const hint = `without it, let what starts programs here run "usher ${role}"`;
  if (!machine.hasSystemd && start) {
    throw new UsherError(
      "unsupported",
      "Cannot start a service: systemd does not run this machine",
      { hint: `--no-start puts all in place for a systemd to come; ${hint}` },
    );
  }
  try {
    await machine.run("systemctl", ["--version"]);
  } catch (cause) {
    throw new UsherError(
      "unsupported",
      "Cannot install a service: this machine has no systemd",
      { hint, cause },
    );
  }
}

/** What will be ours, once all is in place. */
async function recordOf(
  machine: Machine,
  role: ServiceRole,
  { own, other, seen }: Records & { readonly seen: readonly Seen[] },
): Promise<InstallRecord> {
  const { folders, user } = thingsOf(role);
  const files: Record<string, string[]> = { ...own.files };
  for (const { thing: { path }, digest, fate } of seen) {
    const known = [
      ...new Set([...files[path] ?? [], ...other.files[path] ?? []]),
    ];
    // What was there before us, and is what we would have put, is not ours.
    const isOurs = fate === "put" || fate === "replace" ||
      known.includes(digest);
    if (isOurs && fate !== "stays") {
      files[path] = [...new Set([...known, digest])];
    }
  }
  const made = [...own.folders];
  for (const folder of folders) {
    if (made.includes(folder)) continue;
    const isThere = await statOrNull(machine.root + folder) !== null;
    if (!isThere || other.folders.includes(folder)) made.push(folder);
  }
  const isNew = user !== null && !(await hasUser(machine, user));
  return { version: 1, files, folders: made, user: isNew ? user : own.user };
}

/** The same once nothing of an older version is left. */
function settled(
  record: InstallRecord,
  seen: readonly Seen[],
): InstallRecord {
  const files = { ...record.files };
  for (const { thing: { path }, digest, fate } of seen) {
    if (fate !== "stays" && files[path] !== undefined) files[path] = [digest];
  }
  return { ...record, files };
}

function recording(
  machine: Machine,
  role: ServiceRole,
  { news, other, seen }: {
    readonly news: InstallRecord;
    readonly other: InstallRecord;
    readonly seen: readonly Seen[];
  },
): Step[] {
  const steps = [{ does: "", act: () => writeRecord(machine, role, news) }];
  // What both roles need is still the other's when this one has replaced it.
  const files = { ...other.files };
  for (const { thing: { path }, digest, fate } of seen) {
    const known = files[path];
    if (known === undefined || fate !== "replace") continue;
    files[path] = [...new Set([...known, digest])];
  }
  if (other === EMPTY) return steps;
  const act = () => writeRecord(machine, otherOf(role), { ...other, files });
  return [...steps, { does: "", act }];
}

async function hasUser(machine: Machine, user: string): Promise<boolean> {
  return (await machine.run("getent", ["passwd", user])).code === 0;
}

/** Folders, files, the account. */
async function placing(
  machine: Machine,
  role: ServiceRole,
  { own, news, seen }: {
    readonly own: InstallRecord;
    readonly news: InstallRecord;
    readonly seen: readonly Seen[];
  },
): Promise<Step[]> {
  const steps: Step[] = [];
  for (const folder of thingsOf(role).folders) {
    const path = machine.root + folder;
    if (await statOrNull(path) !== null) continue;
    steps.push({ does: `make ${folder}`, act: () => makeFolder(path, 0o755) });
  }
  const { user } = news;
  if (user !== null && !(own.user === user && await hasUser(machine, user))) {
    const add = [
      ...["useradd", "--system", "--home-dir", "/var/lib/usher"],
      ...["--no-create-home", "--shell", "/usr/sbin/nologin", user],
    ];
    steps.push({
      does: `add the system user ${user}`,
      act: async () => void await must(machine, `add the user "${user}"`, add),
    });
  }
  for (const { thing, fate } of seen) {
    if (fate !== "put" && fate !== "replace") continue;
    const { path, mode } = thing;
    steps.push({
      does: `${fate} ${path}`,
      act: async () =>
        await placeFile(
          machine.root + path,
          contentOf(machine, thing),
          mode,
        ),
    });
  }
  return steps;
}

/** The service: known to systemd, joined, started at boot, started now. */
async function serving(
  machine: Machine,
  role: ServiceRole,
  { options, seen }: {
    readonly options: InstallOptions;
    readonly seen: readonly Seen[];
  },
): Promise<Step[]> {
  const { unit } = thingsOf(role);
  const { join, start, waitsFor } = options;
  const steps: Step[] = [];
  const command = (does: string, ...args: string[]) =>
    steps.push({
      does,
      act: async () => void await must(machine, does, ["systemctl", ...args]),
    });
  if (machine.hasSystemd) command("tell systemd of the unit", "daemon-reload");
  if (join !== null) steps.push({ does: join.said, act: join.act });
  if (waitsFor !== null) {
    steps.push({ does: `leave ${unit} off: ${waitsFor}`, act: async () => {} });
    return steps;
  }
  const enabled = await machine.run("systemctl", ["is-enabled", unit]);
  if (enabled.code !== 0) {
    command(`have ${unit} started at boot`, "enable", "--quiet", unit);
  }
  if (!start) return steps;
  const active = await machine.run("systemctl", ["is-active", unit]);
  const isNew = seen.some(({ thing: { kind }, fate }) =>
    (kind === "program" || kind === "unit") &&
    (fate === "put" || fate === "replace")
  );
  if (active.code !== 0) command(`start ${unit}`, "start", unit);
  else if (isNew) command(`restart ${unit}`, "restart", unit);
  return steps;
}

/** What is not done here, and somebody should know. */
async function tellOthers(
  machine: Machine,
  role: ServiceRole,
  { other, seen }: {
    readonly other: InstallRecord;
    readonly seen: readonly Seen[];
  },
): Promise<void> {
  const isNew = seen.some(({ thing: { kind }, fate }) =>
    kind === "program" && fate === "replace"
  );
  if (isNew && other !== EMPTY) {
    const { unit } = thingsOf(otherOf(role));
    machine.say(`${unit} runs the older file still: systemctl restart ${unit}`);
  }
  for (const folder of machine.path) {
    const path = `${folder}/usher`;
    if (path === PROGRAM) return;
    if (await statOrNull(machine.root + path) === null) continue;
    machine.say(`${path} is what a shell finds first, and not ${PROGRAM}`);
  }
}
