/**
 * A machine to install on: a folder for its root, an account database and a
 * service manager in memory, which can be cut off at any step.
 *
 * @module
 */
import type { CommandResult } from "../../src/sys/child.ts";
import type { Machine } from "../../src/install/machine.ts";

/** A run was killed at the step that the test chose. */
export class Killed extends Error {}

export class InstallMachine implements Machine, AsyncDisposable {
  isRoot = true;
  hasSystemd = true;
  path: string[] = [];
  readonly users = new Set<string>();
  readonly enabled = new Set<string>();
  /** Units that run, and how often each was started. */
  readonly active = new Map<string, number>();
  said: string[] = [];
  /** Steps until the run is killed. */
  killIn = Infinity;
  runs = 0;
  readonly root: string;
  program: string;

  private constructor(root: string, program: string) {
    this.root = root;
    this.program = program;
  }

  /** A new one, with an executable of this content to install from. */
  static async make(content = "usher 1"): Promise<InstallMachine> {
    const root = await Deno.makeTempDir({ prefix: "usher_install_" });
    for (
      const folder of ["etc/systemd/system", "usr/local/bin", "run", "var/lib"]
    ) {
      await Deno.mkdir(`${root}/${folder}`, { recursive: true });
    }
    const program = await Deno.makeTempFile({ prefix: "usher_new_" });
    await Deno.writeTextFile(program, content);
    return new InstallMachine(root, program);
  }

  guests(): Promise<number> {
    return Promise.resolve(this.runs);
  }

  say(line: string): void {
    this.#step();
    this.said.push(line);
  }

  run(program: string, args: readonly string[]): Promise<CommandResult> {
    this.#step();
    const code = this.#do(program, args);
    const stdout = this.#isUsher(program) ? "usher 0.0.1\n" : "";
    return Promise.resolve({
      ...{ code, signal: null, stdout },
      ...{ stderr: code === 0 ? "" : "no", timedOut: false },
    });
  }

  #step(): void {
    if (this.killIn-- <= 0) throw new Killed();
  }

  #isUsher(program: string): boolean {
    return program.startsWith(this.root) &&
      Deno.readTextFileSync(program).startsWith("usher");
  }

  #do(program: string, args: readonly string[]): number {
    const last = args.at(-1) ?? "";
    switch (`${program} ${args[0]}`) {
      case "getent passwd":
        return this.users.has(last) ? 0 : 2;
      case "useradd --system":
        this.users.add(last);
        return 0;
      case "systemctl is-enabled":
        return this.enabled.has(last) ? 0 : 1;
      case "systemctl is-active":
        return this.active.has(last) ? 0 : 3;
      case "systemctl enable":
        this.enabled.add(last);
        return 0;
      case "systemctl start":
      case "systemctl restart":
        this.active.set(last, (this.active.get(last) ?? 0) + 1);
        return 0;
      case "systemctl disable":
        this.enabled.delete(last);
        if (args.includes("--now")) this.active.delete(last);
        return 0;
    }
    if (program === "userdel") return this.users.delete(last) ? 0 : 6;
    return 0;
  }

  /** Every file with its content, and every folder, below the root. */
  async tree(): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    const walk = async (folder: string): Promise<void> => {
      for await (
        const { name, isDirectory, isSymlink } of Deno.readDir(
          this.root + folder,
        )
      ) {
        const path = `${folder}/${name}`;
        if (isDirectory) {
          found[path] = "folder";
          await walk(path);
        } else if (isSymlink) {
          found[path] = `link to ${await Deno.readLink(this.root + path)}`;
        } else found[path] = await Deno.readTextFile(this.root + path);
      }
    };
    await walk("");
    const sorted = Object.entries(found).sort(([a], [b]) => a < b ? -1 : 1);
    return Object.fromEntries(sorted);
  }

  async write(path: string, text: string): Promise<void> {
    const folder = path.slice(0, path.lastIndexOf("/"));
    await Deno.mkdir(this.root + folder, { recursive: true });
    await Deno.writeTextFile(this.root + path, text);
  }

  async read(path: string): Promise<string> {
    return await Deno.readTextFile(this.root + path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
    await Deno.remove(this.program);
  }
}
