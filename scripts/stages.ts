/**
 * What `deno task ok`, `test` and `test:long` consist of, in order.
 *
 * A check is one command that says yes or no; a suite is a set of test files.
 * Each has a deadline of its own, so that a stage that hangs is named.
 *
 * @module
 */
import { ROOT } from "./support.ts";

/** Which runs a stage belongs to. Each run holds those before it. */
export type Run = "ok" | "test" | "long";

/** One command that must succeed. */
export interface Check {
  readonly kind: "check";
  readonly name: string;
  readonly from: Run;
  readonly deadlineS: number;
  /** Arguments of `deno`. */
  readonly args: readonly string[];
}

/** A set of test files that must pass. */
export interface Suite {
  readonly kind: "suite";
  readonly name: string;
  readonly from: Run;
  readonly deadlineS: number;
  /** Whether a file belongs here; the first suite that says so has it. */
  readonly owns: (file: string) => boolean;
  /** Whether files run beside each other. Off where they share the machine. */
  readonly parallel: boolean;
  /**
   * Whether a test fails that leaves timers, files or connections behind. Off
   * where roles are killed in the midst of what they do, and where guests are
   * meant to outlive what started them.
   */
  readonly sanitized: boolean;
  /**
   * The stage with which it begins, where both are run; its place in the list is
   * where it is waited for. For what takes long and leaves a processor free.
   */
  readonly beside?: string;
}

/** A part of a run. */
export type Stage = Check | Suite;

/**
 * How many seconds each run may take in all, however slow the machine: `test`
 * takes a few minutes on two cores, and up to 25 where those are shared.
 */
export const BUDGET_S: Readonly<Record<Run, number>> = {
  ok: 1200,
  test: 80 * 60,
  long: 2 * 3600,
};

/** The folders that are formatted, linted and checked. */
export const FOLDERS = ["src", "scripts", "tests", "plugins"];

const COMPILE_TEST = "tests/e2e/compile_test.ts";

/** Those of files among them: what calls a hypervisor's programs leaves them to end by themselves. */
const REAL_HYPERVISOR = /^tests\/conformance\/(?:qemu|libvirt|xen|fake_xen)_/;

/** Every stage, in the order of running. */
export const STAGES: readonly Stage[] = [
  check("format", 120, ["fmt", "--check", "--quiet"]),
  check("lint", 240, ["lint", "--quiet"]),
  check("types", 900, ["check", "--quiet", "main.ts", ...present(FOLDERS)]),
  check("layers", 120, ["run", "-A", "--no-check", "scripts/check_layers.ts"]),
  check("docs", 240, ["run", "-A", "--no-check", "scripts/check_docs.ts"]),
  suite("unit", "ok", 1200, { owns: (file) => !file.startsWith("tests/") }),
  suite("conformance", "ok", 900, {
    owns: (file) =>
      isIn("conformance", file) && !REAL_HYPERVISOR.test(file) && !isLong(file),
  }),
  suite("integration", "ok", 1200, { owns: inFolder("integration") }),
  {
    ...check("compile", 600, ["run", "-A", "--no-check", "scripts/compile.ts"]),
    from: "test",
  },
  // Alone: it damages dist/ to see it mended.
  suite("executable", "test", 600, {
    owns: (file) => file === COMPILE_TEST,
    parallel: false,
  }),
  suite("house", "test", 300, { owns: inFolder("lint") }),
  suite("conformance on qemu", "test", 2400, {
    owns: (file) => REAL_HYPERVISOR.test(file) && !isLong(file),
    sanitized: false,
  }),
  suite("fault", "test", 2400, { owns: inFolder("fault"), sanitized: false }),
  suite("simulator", "test", 1800, { owns: inFolder("simulator") }),
  // Alone: it asks much of the machine, and measures what grows.
  suite("soak", "test", 600, {
    owns: inFolder("soak"),
    parallel: false,
    sanitized: false,
  }),
  // Alone: it kills controllers, and makes the package for Node.
  suite("client", "test", 900, {
    owns: inFolder("client"),
    parallel: false,
    sanitized: false,
  }),
  suite("property", "test", 900, { owns: inFolder("property") }),
  suite("e2e", "test", 2400, {
    owns: (file) => inFolder("e2e")(file) && file !== COMPILE_TEST,
  }),
  // One processor inside an emulator: it is busy with it for ten minutes, and no
  // test of it measures time. What goes on beside it is not bound to time either.
  {
    ...suite("xen", "test", 1800, {
      owns: inFolder("xen"),
      parallel: false,
      sanitized: false,
    }),
    beside: "simulator",
  },
  suite("xen hosts", "long", 3600, {
    owns: (file) => isIn("xen", file) && isLong(file),
    parallel: false,
    sanitized: false,
  }),
  suite("long", "long", 3600, {
    owns: (file) => isLong(file) && !isIn("xen", file),
    parallel: false,
    sanitized: false,
  }),
];

function check(
  name: string,
  deadlineS: number,
  args: readonly string[],
): Check {
  return { kind: "check", name, from: "ok", deadlineS, args };
}

function suite(
  name: string,
  from: Run,
  deadlineS: number,
  { owns, parallel = true, sanitized = true }:
    & Pick<Suite, "owns">
    & Partial<Pick<Suite, "parallel" | "sanitized">>,
): Suite {
  return { kind: "suite", name, from, deadlineS, owns, parallel, sanitized };
}

function isIn(folder: string, file: string): boolean {
  return file.startsWith(`tests/${folder}/`);
}

/** Those of `folders` that a checkout has; Git keeps no empty one. */
function present(folders: readonly string[]): string[] {
  return folders.filter((folder) => {
    try {
      return Deno.statSync(ROOT + folder).isDirectory;
    } catch {
      return false;
    }
  });
}

/** Tests of a folder, without those that say by their name that they are long. */
function inFolder(folder: string): (file: string) => boolean {
  return (file) => isIn(folder, file) && !isLong(file);
}

function isLong(file: string): boolean {
  return file.endsWith("_long_test.ts");
}

/** The stages of a run, and of those only the named ones when any is named. */
export function stagesOf(run: Run, names: readonly string[]): Stage[] {
  const runs: readonly Run[] = ["ok", "test", "long"];
  if (names.length > 0) {
    return STAGES.filter(({ name }) => names.includes(name));
  }
  return STAGES.filter(({ from }) => runs.indexOf(from) <= runs.indexOf(run));
}
