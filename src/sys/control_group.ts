/**
 * The kernel's control groups (cgroups(7), version 2), as the files that they
 * are. A group is a folder; what it holds its processes to is written into
 * files that come with it.
 *
 * All is synchronous: these files are the kernel's memory and never wait for a
 * disk, and a process is to be in its group before it has done anything.
 *
 * @module
 */
import { readTextOrNullSync } from "./file.ts";

/** What is done with groups; paths are folders of groups, or files in them. */
export interface GroupFiles {
  /** The folder of the group that this process is in; null when there is none that can be seen. */
  own(): string | null;
  /** Null when there is no such file. */
  read(path: string): string | null;
  /** Throws what the kernel says when it refuses. */
  write(path: string, text: string): void;
  make(folder: string): void;
  /** Whether it is gone: a group with processes in it cannot be removed. */
  remove(folder: string): boolean;
  /** The groups below one. */
  groups(folder: string): readonly string[];
}

/** The machine's own. */
export const GROUP_FILES: GroupFiles = {
  own: () =>
    groupFolder(
      readTextOrNullSync("/proc/self/cgroup") ?? "",
      readTextOrNullSync("/proc/self/mountinfo") ?? "",
    ),
  read: readTextOrNullSync,
  write: (path, text) => Deno.writeTextFileSync(path, text, { create: false }),
  make: (folder) => Deno.mkdirSync(folder),
  remove(folder) {
    try {
      Deno.removeSync(folder);
      return true;
    } catch (error) {
      return error instanceof Deno.errors.NotFound;
    }
  },
  groups: (folder) =>
    Array.from(Deno.readDirSync(folder))
      .filter(({ isDirectory }) => isDirectory).map(({ name }) => name),
};

/**
 * Where the group lies that `/proc/self/cgroup` names, by `/proc/self/mountinfo`;
 * null when it is outside of what is mounted here, or version 2 is not.
 */
export function groupFolder(cgroup: string, mounts: string): string | null {
  const path = /^0::(\/.*)$/m.exec(cgroup)?.[1];
  if (path === undefined) return null;
  for (const line of mounts.split("\n")) {
    const [own = "", more = ""] = line.split(" - ");
    if (!more.startsWith("cgroup2 ")) continue;
    const [, , , root = "", mount = ""] = own.split(" ");
    const below = root === "/" ? path : belowOf(path, root);
    if (below === null || below.split("/").includes("..")) continue;
    return `${unescaped(mount)}${below}`.replace(/\/+$/, "");
  }
  return null;
}

function belowOf(path: string, root: string): string | null {
  if (path === root) return "";
  return path.startsWith(`${root}/`) ? path.slice(root.length) : null;
}

/** Spaces and the like stand there as octal numbers. */
function unescaped(path: string): string {
  return path.replace(
    /\\([0-7]{3})/g,
    (_, digits) => String.fromCharCode(parseInt(digits, 8)),
  );
}
