/**
 * Makes the one executable: `dist/usher`, and `dist/SHA256SUMS` beside it.
 *
 * The program is first bundled, because a compiled program starts as fast as
 * what it loads is small: each dynamic import becomes a file of its own, so a
 * client command never reads the controller. Then `deno compile` puts a
 * runtime in front.
 *
 * It is not minified: the bundler's minifier writes `f(x)` for
 * `using y = f(x)` where y is used once, and what was to be closed stays open.
 * All it would save is 2 ms of a start and 1 MB of 94.
 *
 * That runtime comes from Deno's download site. Where the site cannot be
 * reached, the compiler of Deno 2.6 and a runtime found on npm do the same
 * job (see denort.sh); usher runs on both.
 *
 * The same sources give the same bytes, and what is in dist/ is whole: a run
 * that is interrupted leaves the executable of the one before, or none.
 *
 *   deno task compile [--force]     nothing is done when no source has changed
 *
 * @module
 */
import { ROOT, sha256, sourceFiles } from "./support.ts";

const DIST = `${ROOT}dist`;
const BUNDLE = `${DIST}/bundle`;
const OUTPUT = `${DIST}/usher`;
/** One's own: a compiler whose run was killed may still write to its part. */
const PART_PREFIX = ".part-";
const PART = `${DIST}/${PART_PREFIX}${Deno.pid}`;
const SUMS = `${DIST}/SHA256SUMS`;
const STAMP = `${DIST}/.inputs`;

/** How long Deno's download site gets before the fall-back is taken. */
const DOWNLOAD_MS = Number(Deno.env.get("USHER_COMPILE_DEADLINE_MS") ?? 40_000);

/** How long the bundler and the compiler may take. */
const STEP_S = 600;

/**
 * What runs in a worker or a process of its own and so must be a whole file:
 * bundled apart, put beside the main bundle under this name, and included.
 * Code finds one by `new URL("./NAME.js", import.meta.url)` when
 * `Deno.build.standalone`, and by its source path otherwise.
 */
const ENTRIES: Readonly<Record<string, string>> = {
  "guest.js": "src/plugin/guest.ts",
};

/** Where plugins that ship lie, in the sources and beside the main bundle. */
const PLUGINS = "plugins";

const FLAGS = [
  "--allow-all",
  "--unstable-kv",
  "--unstable-net",
  "--unstable-worker-options",
  "--no-check",
  "--no-config",
  "--no-lock",
  "--no-npm",
];

async function main(force: boolean): Promise<void> {
  await Deno.mkdir(DIST, { recursive: true });
  using lock = await Deno.open(`${DIST}/.lock`, { create: true, write: true });
  await lock.lock(true);

  const commit = await programCommit();
  const inputs = `${await hashInputs()}commit ${commit}\n`;
  if (!force && await isCurrent(inputs)) {
    console.log("dist/usher is up to date");
    return;
  }
  const started = performance.now();
  await removeParts();
  await bundle(commit);
  const how = await compile();
  const size = await publish(inputs);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `dist/usher: ${(size / 1e6).toFixed(1)} MB, ${how}, made in ${seconds} s`,
  );
}

/** Removes what runs that were cut short left behind. */
async function removeParts(): Promise<void> {
  for await (const { name } of Deno.readDir(DIST)) {
    if (name.startsWith(PART_PREFIX)) await Deno.remove(`${DIST}/${name}`);
  }
}

/** Puts the new executable and its digest in place; answers its size. */
async function publish(inputs: string): Promise<number> {
  const digest = await sha256(await Deno.readFile(PART));
  // Without a stamp, whatever an interruption leaves is made anew.
  await Deno.remove(STAMP).catch(absent);
  await Deno.remove(SUMS).catch(absent);
  await Deno.rename(PART, OUTPUT);
  await Deno.writeTextFile(SUMS, `${digest}  usher\n`);
  const { size, mtime } = await Deno.stat(OUTPUT);
  await Deno.writeTextFile(STAMP, stampOf(inputs, size, mtime));
  return size;
}

/** What tells that an executable is the one made from `inputs`. */
function stampOf(inputs: string, size: number, mtime: Date | null): string {
  return `${inputs}${size} bytes, of ${mtime?.toISOString()}\n`;
}

/** One digest over everything that the executable is made from. */
async function hashInputs(): Promise<string> {
  const files = [
    ...await sourceFiles(ROOT, ["src", "plugins", "configs"]),
    ...["main.ts", "deno.json", "deno.lock"],
    ...["scripts/compile.ts", "scripts/deno", "scripts/denort.sh"],
  ].filter((file) => !file.endsWith("_test.ts"));
  const lines: string[] = [];
  for (const file of files.toSorted()) {
    const content = await Deno.readFile(ROOT + file).catch(absent);
    lines.push(`${content ? await sha256(content) : "absent"}  ${file}`);
  }
  return lines.join("\n") + "\n";
}

async function isCurrent(inputs: string): Promise<boolean> {
  const [stamp, output] = await Promise.all([
    Deno.readTextFile(STAMP).catch(absent),
    Deno.stat(OUTPUT).catch(absent),
  ]);
  return output !== null &&
    stamp === stampOf(inputs, output.size, output.mtime);
}

async function bundle(commit: string): Promise<void> {
  await Deno.remove(BUNDLE, { recursive: true }).catch(absent);
  const common = ["bundle", "--quiet"];
  await run(Deno.execPath(), [
    ...common,
    "--code-splitting",
    `--outdir=${BUNDLE}`,
    `${ROOT}main.ts`,
  ]);
  for (const [name, source] of await presentEntries()) {
    await run(Deno.execPath(), [
      ...common,
      `--output=${BUNDLE}/${name}`,
      ROOT + source,
    ]);
  }
  for (const [name, source] of await shippedPlugins()) {
    await run(Deno.execPath(), [
      ...common,
      `--output=${BUNDLE}/${PLUGINS}/${name}.js`,
      ROOT + source,
    ]);
  }
  await writeCommit(commit);
  await forgetTimes();
}

/** The times of the bundled files go into the executable: always the same. */
async function forgetTimes(): Promise<void> {
  for (const folder of [`${BUNDLE}/${PLUGINS}`, BUNDLE]) {
    for await (const { name } of Deno.readDir(folder)) {
      await Deno.utime(`${folder}/${name}`, 0, 0);
    }
  }
}

/** The plugins that ship, by name: each becomes one file, whatever it imports. */
async function shippedPlugins(): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for await (const { name, isDirectory } of Deno.readDir(ROOT + PLUGINS)) {
    const path = `${PLUGINS}/${name}`;
    if (isDirectory) {
      const entry = `${path}/plugin.ts`;
      // A folder without one is what others share.
      if (await Deno.stat(ROOT + entry).catch(absent)) {
        found.push([name, entry]);
      }
    } else if (/^\w+\.ts$/.test(name) && !name.endsWith("_test.ts")) {
      found.push([name.slice(0, -3), path]);
    }
  }
  return found.toSorted(([a], [b]) => a < b ? -1 : 1);
}

/** Those of ENTRIES whose source exists. */
async function presentEntries(): Promise<[string, string][]> {
  const present: [string, string][] = [];
  for (const [name, source] of Object.entries(ENTRIES)) {
    if (await Deno.stat(ROOT + source).catch(absent)) {
      present.push([name, source]);
    }
  }
  return present;
}

/** The last commit that changed the program; "" when it cannot be known. */
async function programCommit(): Promise<string> {
  const paths = ["main.ts", "src", "plugins", "configs", "deno.json"];
  const program = ["--", ...paths, ":(exclude)*_test.ts"];
  const hash = await output("git", ["log", "-1", "--format=%h", ...program]);
  if (hash === "") return ""; // not a git checkout, or nothing committed yet
  const changed = await output("git", ["status", "--porcelain", ...program]);
  return changed === "" ? hash : `${hash}+changes`;
}

/** Puts the commit where src/version.ts left room for it. */
async function writeCommit(commit: string): Promise<void> {
  if (commit === "") return;
  for await (const { name, isFile } of Deno.readDir(BUNDLE)) {
    if (!isFile) continue;
    const text = await Deno.readTextFile(`${BUNDLE}/${name}`);
    if (!text.includes("@usher-commit@")) continue;
    const stamped = text.replaceAll("@usher-commit@", commit);
    await Deno.writeTextFile(`${BUNDLE}/${name}`, stamped);
  }
}

/** Compiles the bundle into PART; says which Deno did it. */
async function compile(): Promise<string> {
  const included = await presentEntries();
  return await compileTo(PART, [
    ...included.map(([name]) => `--include=${BUNDLE}/${name}`),
    `--include=${BUNDLE}/${PLUGINS}`,
    `--output=${PART}`,
    `${BUNDLE}/main.js`,
  ]);
}

/** With an argument it waits for the end of its input; called "worker" it first starts one that is empty. */
const HELLO = `if (Deno.args[0] === "worker") {
  const worker = new Worker("data:text/javascript,postMessage(1)", {
    type: "module",
    deno: { permissions: "none" },
  });
  await new Promise((there) => worker.onmessage = there);
}
console.log("hello");
if (Deno.args.length > 0) {
  await Deno.stdin.read(new Uint8Array(1));
  Deno.exit(0);
}
`;

/** A hello world made the same way: the floor of the benchmark. */
async function compileHello(output: string): Promise<void> {
  const source = await Deno.makeTempFile({ suffix: ".js" });
  await Deno.writeTextFile(source, HELLO);
  await compileTo(output, [`--output=${output}`, source]);
  await Deno.remove(source);
}

/** Runs `deno compile`, with the fall-back; says which Deno did it. */
async function compileTo(what: string, rest: string[]): Promise<string> {
  const args = ["compile", "--quiet", ...FLAGS, ...rest];
  let how = `Deno ${Deno.version.deno}`;
  const refusal = await tryRun(Deno.execPath(), args, DOWNLOAD_MS);
  if (refusal !== null) {
    console.log(`Deno's download site gives no runtime (${refusal});`);
    console.log("compiling with Deno 2.6.8 and its runtime from npm instead");
    const runtime = await output(`${ROOT}scripts/denort.sh`, []);
    if (runtime === "") throw new Error("Cannot compile without a runtime");
    await output(`${ROOT}scripts/deno`, ["--old", "--path"]);
    await run(`${ROOT}scripts/deno`, ["--old", ...args], {
      DENORT_BIN: runtime,
    });
    how = "Deno 2.6";
  }
  await Deno.chmod(what, 0o755);
  return how;
}

/** Runs a command that must succeed within STEP_S, saying what it is for. */
async function run(
  command: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<void> {
  const what = args.includes("bundle") ? "bundling" : "compiling";
  const { success } = await new Deno.Command(`${ROOT}scripts/progress`, {
    args: [String(STEP_S), what, command, ...args],
    env,
    cwd: ROOT,
    stdin: "null",
  }).spawn().status;
  if (!success) {
    throw new Error(`Cannot compile: "${command} ${args[0]}" failed`);
  }
}

/** What a command prints, without the line's end; "" when it fails. */
async function output(command: string, args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command(command, {
    args,
    cwd: ROOT,
    stdin: "null",
    stderr: command === "git" ? "null" : "inherit",
  }).output();
  return new TextDecoder().decode(stdout).trim();
}

/** Runs a command for at most `ms`. Null when it worked, else why it did not. */
async function tryRun(
  command: string,
  args: string[],
  ms: number,
): Promise<string | null> {
  const signal = AbortSignal.timeout(ms);
  const slow = setTimeout(() => {
    console.log(`asking Deno's download site, for ${ms / 1000} s at most`);
  }, 2000);
  const { success, stderr } = await new Deno.Command(command, {
    args,
    cwd: ROOT,
    stdin: "null",
    signal,
  }).output().finally(() => clearTimeout(slow));
  if (success) return null;
  if (signal.aborted) return `no answer within ${ms / 1000} s`;
  const text = new TextDecoder().decode(stderr);
  // Only a download that failed has another way; the rest is a real error.
  if (!/client error|error sending request|denort|download/i.test(text)) {
    throw new Error(`Cannot compile: ${text}`);
  }
  return /dns error/.test(text) ? "its name is not known here" : "no answer";
}

function absent(error: unknown): null {
  if (error instanceof Deno.errors.NotFound) return null;
  throw error;
}

const USAGE = `usage: deno task compile [--force]
  --force   makes dist/usher anew when no source has changed, too`;

/** Answers the exit code. */
async function command(args: readonly string[]): Promise<number> {
  const [first, path, ...more] = args;
  const isHello = first === "--hello" && path !== undefined;
  const isForced = first === "--force" && path === undefined;
  if (more.length > 0 || (args.length > 0 && !isHello && !isForced)) {
    console.error(`Unknown arguments: ${args.join(" ")}\n${USAGE}`);
    return 64;
  }
  try {
    if (isHello) await compileHello(path);
    else await main(isForced);
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await command(Deno.args));
