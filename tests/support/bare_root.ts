/**
 * A Debian root with nothing of ours in it but one executable, to prove that
 * the executable is all a machine needs.
 *
 * The root is made once by debootstrap, from the mirror that this machine's
 * apt uses, and kept in `.cache/`. Each test enters it in namespaces of its own
 * (mounts, network, processes): its loopback has every port free, its /proc
 * shows its own processes, and all of it is gone when the test ends.
 *
 * @module
 */
import { compiledUsher } from "./compiled.ts";
import { until } from "./wait.ts";

const ROOT = decodeURIComponent(new URL("../..", import.meta.url).pathname);
const CACHED = `${ROOT}.cache/bare-root`;

/** Mounts what a Debian has at run time, then waits inside to be entered. */
const ENTER = `
set -e
mount -t proc proc "$1/proc"
for dir in run tmp root var/lib/usher etc/usher; do
  mkdir -p "$1/$dir"
  mount -t tmpfs tmpfs "$1/$dir"
done
ip link set lo up
# An installed Debian knows its own name.
echo bare >/proc/sys/kernel/hostname
echo '127.0.0.1 localhost bare' >"$1/etc/hosts"
exec chroot "$1" /bin/sleep infinity
`;

/** What a command came to. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Settings of a command run in the root. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly signal?: AbortSignal;
}

/** A bare Debian, entered; disposing ends all that runs in it. */
export class BareRoot implements AsyncDisposable {
  readonly #holder: Deno.ChildProcess;
  readonly #inside: number;

  private constructor(holder: Deno.ChildProcess, inside: number) {
    this.#holder = holder;
    this.#inside = inside;
  }

  /** Makes the root if need be, puts the executable into it, and enters. */
  static async enter(): Promise<BareRoot> {
    await makeRoot();
    const usher = await compiledUsher();
    await must("cp", [usher, `${CACHED}/usr/local/bin/usher`]);
    const holder = command("unshare", [
      ...["--mount", "--net", "--pid", "--ipc", "--uts"],
      ...["--fork", "--kill-child"],
      ...["sh", "-c", ENTER, "sh", CACHED],
    ], { stdin: "null", stdout: "null" }).spawn();
    const inside = await insideOf(holder);
    return new BareRoot(holder, inside);
  }

  /** Starts a program in the root; its output is the caller's to read. */
  spawn(
    [program = "", ...args]: readonly string[],
    { env = {}, signal }: RunOptions = {},
    stdio: Pick<Deno.CommandOptions, "stdin" | "stdout" | "stderr"> = {},
  ): Deno.ChildProcess {
    const variables = {
      PATH: "/usr/local/bin:/usr/bin:/bin",
      HOME: "/root",
      ...env,
    };
    return command("nsenter", [
      ...["--target", String(this.#inside), "--all", "--root", "--wd"],
      ...["--", "/usr/bin/env", "-i"],
      ...Object.entries(variables).map(([name, value]) => `${name}=${value}`),
      program,
      ...args,
    ], { stdin: "null", ...stdio, ...(signal ? { signal } : {}) }).spawn();
  }

  /** Runs a program in the root to its end. */
  async run(
    argv: readonly string[],
    options: RunOptions = {},
  ): Promise<Finished> {
    const child = this.spawn(argv, options, {
      stdin: options.input === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    });
    if (options.input !== undefined) {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(options.input));
      await writer.close();
    }
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return {
      code,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    };
  }

  /** Starts a role in the root, to be told by its lines when it is ready. */
  start(argv: readonly string[], options: RunOptions = {}): RunningRole {
    const pidFile = `/tmp/${crypto.randomUUID()}.pid`;
    const note = 'echo $$ >"$0"; exec "$@"';
    const child = this.spawn(["sh", "-c", note, pidFile, ...argv], options, {
      stdout: "piped",
      stderr: "piped",
    });
    return new RunningRole(this, child, pidFile);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The namespace's first process takes all the others with it.
    await must("kill", ["-KILL", String(this.#inside)]);
    await this.#holder.status;
  }
}

/** A role that runs in the root; all it prints is kept. */
export class RunningRole implements AsyncDisposable {
  readonly #root: BareRoot;
  readonly #child: Deno.ChildProcess;
  readonly #pidFile: string;
  readonly #reading: Promise<unknown>;
  #printed = "";

  constructor(root: BareRoot, child: Deno.ChildProcess, pidFile: string) {
    this.#root = root;
    this.#child = child;
    this.#pidFile = pidFile;
    this.#reading = Promise.all([
      this.#keep(child.stdout),
      this.#keep(child.stderr),
    ]);
  }

  /** All that it has printed so far, of both streams. */
  get printed(): string {
    return this.#printed;
  }

  /** Waits until what it prints matches, and answers the match. */
  async says(pattern: RegExp, deadlineMs = 60_000): Promise<RegExpExecArray> {
    try {
      const find = () => pattern.exec(this.#printed);
      return await until(`${pattern} is printed`, find, { deadlineMs });
    } catch (error) {
      throw new Error(`It printed: ${this.#printed}`, { cause: error });
    }
  }

  /** Asks it to end, and answers its exit code. */
  async end(): Promise<number> {
    // A signal to nsenter would not go on to what it started.
    await this.#root.run(["sh", "-c", 'kill "$(cat "$0")"', this.#pidFile]);
    const { code } = await this.#child.status;
    await this.#reading;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  async #keep(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#printed += text;
    }
  }
}

/** The process in the root that holds the namespaces, once it is in there. */
async function insideOf(holder: Deno.ChildProcess): Promise<number> {
  const deadline = Date.now() + 10_000;
  const children = `/proc/${holder.pid}/task/${holder.pid}/children`;
  while (Date.now() < deadline) {
    const pid = Number((await Deno.readTextFile(children)).trim());
    const name = await Deno.readTextFile(`/proc/${pid}/comm`).catch(() => "");
    if (pid > 0 && name.trim() === "sleep") return pid;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("Cannot enter the bare root within 10 s");
}

/**
 * Debian's installer of roots, on a tmpfs of its own: it writes each file
 * through to the disk, which costs minutes on a slow one.
 */
const MAKE = `
set -e
mount -t tmpfs tmpfs /mnt
mkdir /mnt/root
debootstrap --variant=minbase "$1" /mnt/root "$2"
rm -rf /mnt/root/var/cache/apt/* /mnt/root/var/lib/apt/lists/*
rm -rf "$3.part"
cp -a /mnt/root "$3.part"
mv "$3.part" "$3"
`;

async function makeRoot(): Promise<void> {
  if (await Deno.stat(CACHED).catch(() => null)) return;
  const { uri, codename } = await debianMirror();
  await Deno.mkdir(`${ROOT}.cache`, { recursive: true });
  const args = ["-c", MAKE, "sh", codename, uri, CACHED];
  await must("unshare", ["--mount", "sh", ...args]);
}

/** Where this machine's apt gets Debian itself from. */
async function debianMirror(): Promise<{ uri: string; codename: string }> {
  const lines = await must("apt-get", [
    "indextargets",
    "--format",
    "$(REPO_URI) $(CODENAME) $(LABEL) $(COMPONENT)",
    "Created-By: Packages",
  ]);
  for (const line of lines.split("\n")) {
    const [uri, codename, label, component] = line.split(" ");
    if (label !== "Debian" || component !== "main") continue;
    if (
      uri !== undefined && codename !== undefined && !codename.includes("-")
    ) {
      return { uri, codename };
    }
  }
  throw new Error("Cannot find Debian among the sources of apt");
}

/** Runs a program to its end; throws with its output when it fails. */
async function must(program: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await command(program, args, {
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const printed = decoder.decode(stdout);
  if (success) return printed;
  const said = printed.slice(-2000) + decoder.decode(stderr).slice(-2000);
  throw new Error(`Cannot run "${program} ${args.join(" ")}": ${said}`);
}

/** A command run as root, through sudo where that is needed. */
function command(
  program: string,
  args: readonly string[],
  options: Deno.CommandOptions,
): Deno.Command {
  const isRoot = Deno.uid() === 0;
  const argv = isRoot ? [program, ...args] : ["sudo", "-n", program, ...args];
  const [first = program, ...rest] = argv;
  return new Deno.Command(first, { ...options, args: rest });
}
