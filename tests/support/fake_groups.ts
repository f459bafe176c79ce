/**
 * Control groups in memory, with the kernel's rules: which files a group has,
 * that one whose controllers are handed on has no process, and that one with
 * processes in it cannot be removed. What a real kernel makes of it is shown by
 * `tests/e2e/systemd_test.ts`.
 *
 * @module
 */
import type { GroupFiles } from "../../src/sys/control_group.ts";

/** The group of a service that was given to it. */
export const SERVICE = "/groups/usher.service";

const FILES: Readonly<Record<string, readonly string[]>> = {
  memory: [
    "memory.max",
    "memory.swap.max",
    "memory.oom.group",
    "memory.events",
  ],
  cpu: ["cpu.idle", "cpu.max", "cpu.max.burst", "cpu.weight"],
  pids: ["pids.max"],
};

/** What a test may make otherwise. */
export interface FakeGroupsOptions {
  readonly controllers?: readonly string[];
  /** Controllers that cannot be handed on. */
  readonly bound?: readonly string[];
  /** Whether nothing may be changed. */
  readonly isReadOnly?: boolean;
  /** A file that this kernel does not have. */
  readonly without?: string;
}

/** Groups of a machine, this process with number 1 in the group of a service. */
export class FakeGroups implements GroupFiles {
  readonly #options: FakeGroupsOptions;
  readonly files = new Map<string, string>();
  readonly #in = new Map<number, string>();

  constructor(options: FakeGroupsOptions = {}) {
    this.#options = options;
    this.#add(SERVICE, options.controllers ?? Object.keys(FILES));
    this.#in.set(1, SERVICE);
  }

  /** Starts process `pid` in the group of `parent`. */
  fork(pid: number, parent: number): void {
    this.#in.set(pid, this.of(parent));
  }

  exit(pid: number): void {
    this.#in.delete(pid);
  }

  /** The group of a process. */
  of(pid: number): string {
    return this.#in.get(pid) ?? "";
  }

  own(): string {
    return this.of(1);
  }

  read(path: string): string | null {
    const [folder, file] = split(path);
    if (file === "cgroup.procs" && this.files.has(path)) {
      return this.#members(folder).map((pid) => `${pid}\n`).join("");
    }
    return this.files.get(path) ?? null;
  }

  write(path: string, text: string): void {
    const [folder, file] = split(path);
    if (this.#options.isReadOnly) throw new Error("Read-only file system");
    if (!this.files.has(path)) throw new Error("No such file or directory");
    if (file === "cgroup.procs") return this.#move(Number(text), folder);
    if (file === "cgroup.subtree_control") return this.#handOn(folder, text);
    if (file === "cgroup.kill") {
      for (const pid of this.#members(folder)) this.exit(pid);
      return;
    }
    this.files.set(path, text);
  }

  make(folder: string): void {
    if (this.#options.isReadOnly) throw new Error("Read-only file system");
    if (this.files.has(`${folder}/cgroup.type`)) throw new Error("File exists");
    const [parent] = split(folder);
    this.#add(
      folder,
      words(this.files.get(`${parent}/cgroup.subtree_control`)),
    );
  }

  remove(folder: string): boolean {
    if (this.#members(folder).length > 0 || this.groups(folder).length > 0) {
      return false;
    }
    for (const path of [...this.files.keys()]) {
      if (path.startsWith(`${folder}/`)) this.files.delete(path);
    }
    return true;
  }

  groups(folder: string): string[] {
    return [...this.files.keys()].flatMap((path) => {
      const [group, file] = split(path);
      const [parent, name] = split(group);
      return file === "cgroup.type" && parent === folder ? [name] : [];
    });
  }

  #add(folder: string, controllers: readonly string[]): void {
    const set = (file: string, text: string) => {
      if (file !== this.#options.without) {
        this.files.set(`${folder}/${file}`, text);
      }
    };
    set("cgroup.type", "domain\n");
    set("cgroup.procs", "");
    set("cgroup.subtree_control", "");
    set("cgroup.controllers", controllers.join(" "));
    set("cgroup.kill", "");
    for (const file of controllers.flatMap((one) => FILES[one] ?? [])) {
      set(file, "");
    }
  }

  #members(folder: string): number[] {
    return [...this.#in].flatMap(([pid, own]) => own === folder ? [pid] : []);
  }

  #move(pid: number, folder: string): void {
    if (!this.#in.has(pid)) throw new Error("No such process");
    if (this.files.get(`${folder}/cgroup.subtree_control`) !== "") {
      throw new Error("Device or resource busy");
    }
    this.#in.set(pid, folder);
  }

  #handOn(folder: string, text: string): void {
    const name = text.replace("+", "");
    const has = words(this.files.get(`${folder}/cgroup.controllers`));
    if (!has.includes(name) || this.#options.bound?.includes(name)) {
      throw new Error("No such file or directory");
    }
    if (this.#members(folder).length > 0) {
      throw new Error("Device or resource busy");
    }
    const path = `${folder}/cgroup.subtree_control`;
    const now = [...words(this.files.get(path)), name];
    this.files.set(path, now.join(" "));
    for (const child of this.groups(folder)) {
      this.files.set(`${folder}/${child}/cgroup.controllers`, now.join(" "));
      for (const file of FILES[name] ?? []) {
        this.files.set(`${folder}/${child}/${file}`, "");
      }
    }
  }
}

function split(path: string): [folder: string, name: string] {
  const at = path.lastIndexOf("/");
  return [path.slice(0, at), path.slice(at + 1)];
}

function words(text = ""): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
