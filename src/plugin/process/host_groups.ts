/**
 * Limits of plugins that the kernel keeps: each of their processes in a control
 * group of its own, where the controller was given one to divide (systemd calls
 * that `Delegate=`).
 *
 * Nothing is between two looks of a kernel, and what a plugin starts with a
 * granted program counts as well and ends with it. The looks from outside go on
 * beside it: they name figures, and hold where nothing was delegated.
 *
 * A group whose controllers are handed on may have no process itself, so the
 * controller moves into a leaf first. A group in which others are was not given
 * to usher alone, and is left as it is.
 *
 * @module
 */
import { messageOf } from "../../error/mod.ts";
import type { GroupController, PluginLimits } from "../../schema/plugin.ts";
import type { Clock } from "../../sys/clock.ts";
import { GROUP_FILES, type GroupFiles } from "../../sys/control_group.ts";

/** Limits of one plugin as far as groups keep them. */
export type GroupLimits = Pick<PluginLimits, "memory" | "cpu">;

/** The group that the controller itself is in, */
const OWN = "controller";
/** and how those of its plugins' processes begin. */
const PLUGIN = "plugin-";

const CONTROLLERS: readonly GroupController[] = ["memory", "cpu", "pids"];
/** Threads and processes of one plugin's process: it needs some thirty, and more with more processors. */
const MAX_TASKS = 512;
/**
 * What counts for the kernel and not for the looks from outside: its own memory,
 * and pages of files. So whoever grows slowly is ended by a look, with figures.
 */
const ROOM_MIB = 32;
const PERIOD_US = 100_000;
/** Shares of the processors where they are short: all plugins together must leave the controller its own. */
const WEIGHTS = { controller: 1000, plugin: 100, busy: 10 };
const REMOVE_MS = 100;
const REMOVE_TRIES = 50;

/** Groups for the processes of plugins. */
export class HostGroups {
  readonly #files: GroupFiles;
  readonly #folder: string;
  /** What the kernel holds them to. */
  readonly controllers: readonly GroupController[];

  private constructor(
    files: GroupFiles,
    folder: string,
    controllers: readonly GroupController[],
  ) {
    this.#files = files;
    this.#folder = folder;
    this.controllers = controllers;
  }

  /** Divides the group that process `pid`, this one, is in. Answers why not where it was not given to it. */
  static open(
    pid: number,
    files: GroupFiles = GROUP_FILES,
  ): HostGroups | { readonly why: string } {
    const folder = files.own();
    if (folder === null) return { why: "there is no cgroup v2 here" };
    const why = whyNotOurs(files, folder, pid);
    if (why !== null) return { why };
    try {
      const controllers = divide(files, folder, pid);
      for (const name of files.groups(folder)) {
        // Of a controller that was killed; one that still lives stays.
        if (name.startsWith(PLUGIN)) files.remove(`${folder}/${name}`);
      }
      return new HostGroups(files, folder, controllers);
    } catch (error) {
      return { why: `"${folder}" cannot be divided: ${messageOf(error)}` };
    }
  }

  /** Puts a process that has just been started into a group of its own; null when it has ended already. */
  enclose(pid: number, limits: readonly GroupLimits[]): HostGroup | null {
    const folder = `${this.#folder}/${PLUGIN}${pid}`;
    try {
      this.#files.make(folder);
      const group = new HostGroup(this.#files, folder, this.controllers);
      group.holdTo(limits);
      this.#files.write(`${folder}/cgroup.procs`, `${pid}`);
      return group;
    } catch {
      // It is looked at from outside all the same.
      this.#files.remove(folder);
      return null;
    }
  }
}

/** The group of one process, and of all that it starts. */
export class HostGroup {
  readonly #files: GroupFiles;
  readonly #folder: string;
  readonly #has: ReadonlySet<GroupController>;
  #memoryMiB = 0;
  #isBusy = false;

  constructor(
    files: GroupFiles,
    folder: string,
    controllers: readonly GroupController[],
  ) {
    this.#files = files;
    this.#folder = folder;
    this.#has = new Set(controllers);
  }

  get controllers(): readonly GroupController[] {
    return [...this.#has];
  }

  /** Likewise, of a process that may have ended meanwhile. */
  limit(limits: readonly GroupLimits[]): void {
    try {
      this.holdTo(limits);
    } catch {
      // It has, and its group is gone.
    }
  }

  /** Holds it to the limits of its plugins together. Throws what the kernel refuses. */
  holdTo(limits: readonly GroupLimits[]): void {
    const sum = (key: "memory" | "cpu") =>
      limits.reduce((all, one) => all + one[key], 0);
    if (this.#has.has("memory")) {
      this.#memoryMiB = sum("memory");
      this.#set("memory.max", `${(this.#memoryMiB + ROOM_MIB) * 2 ** 20}`);
      // Else what it takes would be the machine's trouble, only later.
      this.#set("memory.swap.max", "0", true);
      this.#set("memory.oom.group", "1");
    }
    if (this.#has.has("cpu")) {
      const quota = Math.round(sum("cpu") * PERIOD_US);
      // The kernel refuses a burst longer than the quota that it goes with.
      this.#set("cpu.max.burst", "0", true);
      this.#set("cpu.max", `${quota} ${PERIOD_US}`);
      this.#set("cpu.max.burst", `${quota}`, true);
      this.#rank();
    }
    if (this.#has.has("pids")) this.#set("pids.max", `${MAX_TASKS}`);
  }

  /** Whether it has only what others leave of the processors: a priority counts within a group alone. */
  yieldToOthers(does: boolean): void {
    this.#isBusy = does;
    if (!this.#has.has("cpu")) return;
    try {
      this.#rank();
    } catch {
      // It has ended.
    }
  }

  /** A group that is idle gives way at once, and has no weight that could be set. */
  #rank(): void {
    this.#set("cpu.idle", "0", true);
    this.#set("cpu.weight", `${WEIGHTS[this.#isBusy ? "busy" : "plugin"]}`);
    if (this.#isBusy) this.#set("cpu.idle", "1", true);
  }

  /** Why the kernel has ended it; null when it has not. */
  get endedBy(): string | null {
    const events = this.#files.read(`${this.#folder}/memory.events`) ?? "";
    const kills = /^oom_kill (\d+)$/m.exec(events)?.[1] ?? "0";
    return kills === "0"
      ? null
      : `the kernel ended its process, which would have had more than ${this.#memoryMiB} MiB of memory, its limit`;
  }

  /** Ends all that is left in it, and removes it. */
  end(clock: Clock): void {
    try {
      this.#set("cgroup.kill", "1", true);
    } catch {
      // It is gone.
    }
    this.#remove(clock, REMOVE_TRIES);
  }

  #remove(clock: Clock, tries: number): void {
    if (this.#files.remove(this.#folder) || tries <= 1) return;
    clock.after(REMOVE_MS, () => this.#remove(clock, tries - 1));
  }

  /** `isNew`: older kernels do not have the file. */
  #set(file: string, text: string, isNew = false): void {
    const path = `${this.#folder}/${file}`;
    if (isNew && this.#files.read(path) === null) return;
    this.#files.write(path, text);
  }
}

/** Why the group at `folder` is not this process's to divide; null when it is. */
function whyNotOurs(
  files: GroupFiles,
  folder: string,
  pid: number,
): string | null {
  const type = files.read(`${folder}/cgroup.type`)?.trim();
  // The root of the machine has no type, and is nobody's to divide.
  if (type === undefined) return "it runs in the root group of the machine";
  if (type !== "domain") return `the group "${folder}" is ${type}`;
  const others = words(files.read(`${folder}/cgroup.procs`))
    .filter((one) => one !== `${pid}`);
  if (others.length > 0) {
    return `other processes are in its group "${folder}" too`;
  }
  return offered(files, folder).length > 0
    ? null
    : `the group "${folder}" has none of the controllers memory, cpu and pids`;
}

function offered(files: GroupFiles, folder: string): GroupController[] {
  const has = words(files.read(`${folder}/cgroup.controllers`));
  return CONTROLLERS.filter((one) => has.includes(one));
}

/** Moves this process into a leaf, and hands the controllers on; all is as it was when that fails. */
function divide(
  files: GroupFiles,
  folder: string,
  pid: number,
): GroupController[] {
  const own = `${folder}/${OWN}`;
  if (!files.groups(folder).includes(OWN)) files.make(own);
  try {
    files.write(`${own}/cgroup.procs`, `${pid}`);
    const controllers = offered(files, folder).filter((one) =>
      isHandedOn(files, folder, one)
    );
    if (controllers.length === 0) {
      throw new Error("No controller can be handed on");
    }
    if (controllers.includes("cpu")) {
      files.write(`${own}/cpu.weight`, `${WEIGHTS.controller}`);
    }
    return controllers;
  } catch (error) {
    try {
      files.write(`${folder}/cgroup.procs`, `${pid}`);
    } catch {
      // Then it stays in the leaf, where it is held to nothing.
    }
    files.remove(own);
    throw error;
  }
}

function isHandedOn(
  files: GroupFiles,
  folder: string,
  controller: GroupController,
): boolean {
  try {
    files.write(`${folder}/cgroup.subtree_control`, `+${controller}`);
    return true;
  } catch {
    return false; // one may be bound to version 1, or to real-time processes
  }
}

function words(text: string | null): string[] {
  return (text ?? "").split(/\s+/).filter((word) => word !== "");
}
