/**
 * A real libvirt of the tests' own (`libvirt_machine.sh`), and what tests do to
 * it behind usher's back.
 *
 * @module
 */
import { until } from "./wait.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const PROGRAM = new URL("libvirt_machine.sh", import.meta.url).pathname;
/** What libvirt has found out of QEMU, which takes it seconds. */
const CACHE = `${ROOT}.cache/libvirt`;
const READY_MS = 60_000;

/** Why there can be no libvirt here; undefined when there can. */
export function whyNoLibvirt(): string | undefined {
  if (Deno.uid() !== 0) {
    return "only root can give libvirt a machine of its own";
  }
  for (
    const program of ["virsh", "libvirtd", "virtlogd", "qemu-system-x86_64"]
  ) {
    try {
      new Deno.Command(program, { args: ["--version"], stdout: "null" })
        .outputSync();
    } catch {
      return `${program} is not installed`;
    }
  }
  const made = new Deno.Command("unshare", {
    args: ["--mount", "--pid", "--fork", "--mount-proc", "true"],
    stderr: "null",
  }).outputSync();
  return made.success ? undefined : "no namespaces can be made here";
}

/** A libvirtd with its guests; all of it ends with it. */
export class LibvirtMachine implements AsyncDisposable {
  readonly dir = Deno.makeTempDirSync({ prefix: "uv" });
  readonly #child: Deno.ChildProcess;

  private constructor() {
    // It goes with this process, however that ends.
    this.#child = new Deno.Command("setpriv", {
      args: ["--pdeathsig", "KILL", PROGRAM, this.dir, CACHE],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  /** One that answers. */
  static async open(): Promise<LibvirtMachine> {
    const machine = new LibvirtMachine();
    await machine.untilUp();
    return machine;
  }

  get uri(): string {
    return `qemu+unix:///system?socket=${this.dir}/sock/libvirt-sock`;
  }

  /** Waits until libvirtd answers. */
  async untilUp(): Promise<void> {
    await until("libvirtd answers", () => this.virsh("list"), {
      deadlineMs: READY_MS,
    });
  }

  /** Runs virsh past the driver; answers what it printed. Throws when it fails. */
  async virsh(...args: readonly string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command("virsh", {
      args: ["-q", "-c", this.uri, ...args],
      stdin: "null",
      env: { LC_ALL: "C" },
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
    return new TextDecoder().decode(stdout).trim() || "done";
  }

  /** Kills libvirtd; it is not started again before `start`. */
  stop(signal: Deno.Signal = "SIGKILL"): void {
    Deno.writeTextFileSync(`${this.dir}/down`, "");
    for (const pid of this.#daemons()) Deno.kill(pid, signal);
  }

  /** Has libvirtd started again. */
  async start(): Promise<void> {
    await Deno.remove(`${this.dir}/down`);
    await this.untilUp();
  }

  /** Has each libvirtd stand still, or go on. */
  freeze(signal: "SIGSTOP" | "SIGCONT"): void {
    for (const pid of this.#daemons()) Deno.kill(pid, signal);
  }

  /** Shell that is read before each QEMU runs; its words are `$*`. */
  async hook(shell: string): Promise<void> {
    await Deno.writeTextFile(`${this.dir}/run/qemu-hook`, shell);
  }

  /** The pids of QEMUs that run the domain of `uuid`. */
  pidsOf(uuid: string): number[] {
    return processes().filter(({ args }) => args.includes(uuid))
      .filter(({ args, pid }) => args[0]?.includes("qemu") && this.#isHere(pid))
      .map(({ pid }) => pid);
  }

  /** The processes of libvirtd in this machine. */
  #daemons(): number[] {
    return processes()
      .filter(({ args }) => args[0] === "libvirtd")
      .filter(({ pid }) => this.#isHere(pid))
      .map(({ pid }) => pid);
  }

  #isHere(pid: number): boolean {
    try {
      return Deno.readTextFileSync(`/proc/${pid}/mountinfo`)
        .includes(` ${this.dir}/run `);
    } catch {
      return false; // gone in this very moment
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await until("its folder can be removed", () => this.#remove());
  }

  /** Ends it when there is no time to wait. */
  endNow(): void {
    this.#child.kill("SIGKILL");
    for (let tries = 0; tries < 100 && !this.#remove(); tries++);
  }

  #remove(): boolean {
    if (Deno.env.get("USHER_KEEP") === "1") return true;
    try {
      Deno.removeSync(this.dir, { recursive: true });
      return true;
    } catch {
      return false; // what runs in it still writes
    }
  }
}

interface Process {
  readonly pid: number;
  readonly args: readonly string[];
}

function processes(): Process[] {
  const found: Process[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const args = Deno.readTextFileSync(`/proc/${name}/cmdline`).split("\0");
      found.push({ pid: Number(name), args });
    } catch {
      // Gone in this very moment.
    }
  }
  return found;
}
