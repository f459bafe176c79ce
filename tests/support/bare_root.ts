/**
 * A Debian root with nothing of ours in it but one executable, to prove that
 * the executable is all a machine needs.
 *
 * The root is what every Debian has (its essential packages and what these
 * need), fetched and verified by this machine's apt, unpacked once and kept in
 * `.cache/`. Each test enters it in namespaces of its own (mounts, network,
 * processes): its loopback has every port free, its /proc shows its own
 * processes, and all of it is gone when the test ends.
 *
 * @module
 */
import { compiledUsher } from "./compiled.ts";
import { until } from "./wait.ts";

const ROOT = decodeURIComponent(new URL("../..", import.meta.url).pathname);

/** How long a machine may take to enter a root that is there. */
const ENTER_MS = 60_000;

/**
 * Mounts what a Debian has at run time, says which process it is outside, and
 * stays as the root's first process until its input ends, which also happens
 * when the test dies. All else in there ends with it.
 */
const ENTER = `
set -e
exec 2>&1
read -r pid rest </proc/self/stat
mount -t proc proc "$1/proc"
for dir in run tmp root var/lib/usher etc/usher; do
  mkdir -p "$1/$dir"
  mount -t tmpfs tmpfs "$1/$dir"
done
busybox ip link set lo up
# An installed Debian knows its own name.
echo bare >/proc/sys/kernel/hostname
echo '127.0.0.1 localhost bare' >"$1/etc/hosts"
exec chroot "$1" /bin/sh -c 'echo "inside $0"; read -r line || true' "$pid"
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
    const root = await makeRoot();
    const usher = await compiledUsher();
    await must("cp", [usher, `${root}/usr/local/bin/usher`]);
    const holder = command("unshare", [
      ...["--mount", "--net", "--pid", "--ipc", "--uts"],
      ...["--propagation", await propagation()],
      ...["--fork", "--kill-child"],
      ...["sh", "-c", ENTER, "sh", root],
    ], { stdin: "piped", stdout: "piped" }).spawn();
    return new BareRoot(holder, await insideOf(holder));
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
    // Its input ends, so it ends, and takes all the others with it.
    await this.#holder.stdin.close();
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

/**
 * How mounts in there are kept from the machine. Where this runs in a chroot,
 * "/" is no mount that could be made private; nothing is shared there then.
 */
async function propagation(): Promise<"private" | "unchanged"> {
  const { success } = await command("unshare", ["--mount", "true"], {
    stdin: "null",
    stderr: "null",
  }).output();
  return success ? "private" : "unchanged";
}

/** The process that holds the root's namespaces, once it is in there. */
async function insideOf(holder: Deno.ChildProcess): Promise<number> {
  const late = setTimeout(() => void holder.stdin.close(), ENTER_MS);
  let said = "";
  try {
    for await (
      const text of holder.stdout.pipeThrough(new TextDecoderStream())
    ) {
      said += text;
      const [, pid] = /^inside (\d+)$/m.exec(said) ?? [];
      if (pid !== undefined) return Number(pid);
    }
  } finally {
    clearTimeout(late);
  }
  throw new Error(`Cannot enter the bare root: ${said || "it said nothing"}`);
}

/**
 * Unpacks packages into a root as Debian's own installer does, with the
 * accounts that every system has, but runs none of their scripts: those write
 * each file through to the disk, which costs minutes on a slow one.
 */
const UNPACK = `
set -eo pipefail
root="$1.part"
rm -rf "$root"
for dir in bin sbin lib lib64; do
  mkdir -p "$root/usr/$dir"
  ln -s "usr/$dir" "$root/$dir"
done
for package in "$2"/*.deb; do
  dpkg-deb --fsys-tarfile "$package" |
    tar -x -C "$root" --keep-directory-symlink --exclude='./usr/share/doc/*' \
      --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*'
done
for name in passwd group; do
  cp "$root/usr/share/base-passwd/$name.master" "$root/etc/$name"
done
mkdir -p "$root/usr/local/bin"
chroot "$root" /sbin/ldconfig
mv "$root" "$1"
`;

/** The folder of the root, made when it is not there yet. */
async function makeRoot(): Promise<string> {
  const codename = await debianCodename();
  const root = `${ROOT}.cache/bare-${codename}`;
  if (await Deno.stat(root).catch(() => null)) return root;
  console.log(`making a bare Debian (${codename}) in .cache`);
  await Deno.mkdir(`${ROOT}.cache`, { recursive: true });
  const work = await Deno.makeTempDir({ dir: `${ROOT}.cache`, prefix: "apt_" });
  try {
    await downloadEssential(work);
    console.log("unpacking it");
    await must("bash", ["-c", UNPACK, "bash", root, `${work}/archives`]);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
  return root;
}

/** The name of the Debian that this machine runs. */
async function debianCodename(): Promise<string> {
  const text = await Deno.readTextFile("/etc/os-release");
  const [, name] = /^VERSION_CODENAME=(\w+)$/m.exec(text) ?? [];
  if (name === undefined) throw new Error("This machine is no Debian");
  return name;
}

/**
 * Gets the essential packages, and what they need, into `archives/` of `work`.
 * To apt it looks like a machine on which nothing is installed yet.
 */
async function downloadEssential(work: string): Promise<void> {
  await Deno.mkdir(`${work}/archives/partial`, { recursive: true });
  await Deno.mkdir(`${work}/lists/partial`, { recursive: true });
  await Deno.writeTextFile(`${work}/status`, "");
  const options = [
    ...["-qq", "--yes", "-o", "Debug::NoLocking=true"],
    ...["-o", "Acquire::Retries=3", "-o", "APT::Sandbox::User=root"],
    ...["-o", `Dir::State::status=${work}/status`],
    ...["-o", `Dir::Cache::archives=${work}/archives`],
  ];
  const download = ["--download-only", "--no-install-recommends", "install"];
  console.log("apt downloads the essential packages");
  try {
    await must("apt-get", [...options, ...download, "?essential"]);
  } catch {
    // This machine's lists are missing, or older than what the mirror has.
    const lists = [...options, "-o", `Dir::State::lists=${work}/lists`];
    console.log("apt gets the lists of packages first");
    await must("apt-get", [...lists, "update"]);
    await must("apt-get", [...lists, ...download, "?essential"]);
  }
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
