/**
 * The house rules as data: who may import whom, and who may touch `Deno.*`.
 * check_layers.ts and lint_plugin.ts read them; nothing else says them.
 *
 * @module
 */

/** A rule for one folder of src/; what is not allowed here is forbidden. */
export interface LayerRule {
  /** Folders of src/ (or single files, `core/step.ts`). Its own is implied. */
  readonly imports: readonly string[];
  /** npm packages and `node:` modules; "any" for no limit. */
  readonly packages: "any" | readonly string[];
}

const LOW = ["schema", "error", "sys"];
const PLATFORM = [...LOW, "core", "store", "link", "plugin"];

/** The import table. Each layer knows those below it and nothing else. */
export const LAYERS: Readonly<Record<string, LayerRule>> = {
  schema: { imports: [], packages: ["zod"] },
  error: { imports: ["schema"], packages: [] },
  core: { imports: ["schema", "error"], packages: [] },
  sys: { imports: ["error"], packages: "any" },
  // Files to configurations; for main.ts and dev.ts, which hand them to roles.
  config: { imports: LOW, packages: ["yaml"] },
  store: { imports: LOW, packages: "any" },
  link: { imports: LOW, packages: "any" },
  plugin: { imports: [...LOW, "core/selector.ts"], packages: "any" },
  driver: {
    imports: [...LOW, "core/step.ts", "core/lease.ts"],
    packages: "any",
  },
  ctrl: { imports: PLATFORM, packages: "any" },
  lnm: { imports: [...PLATFORM, "driver"], packages: "any" },
  client: {
    imports: [...LOW, "link", "config", "core/takeover_margin.ts"],
    packages: "any",
  },
};

/** Files and folders that join the roles: they may import all, and nothing imports them. */
export const COMPOSITION = [
  "main.ts",
  "src/roles.ts",
  "src/state_tools.ts",
  "src/state_progress.ts",
  "src/plugin_tools/",
  "src/install/",
  "src/dev.ts",
  "src/simulator/",
];

/** The simulator runs the roles; the role table alone may know of it. */
export const SIMULATOR = "src/simulator/";

/** Plugins that ship and run in simulations, where nobody could do without them. */
export const SIMULATED_PLUGINS = ["plugins/users.ts"];

/** Who puts the files of `configs/` in place, and so carries their texts. */
export const INSTALLER = "src/install/";

/** What every layer may import, because it imports nothing itself. */
export const FREE = ["src/version.ts"];

/** The driver registry joins the drivers; these alone may import it. */
export const REGISTRY = "src/driver/registry.ts";
/** Folders beside the drivers that are none: what several of them share. */
export const SHARED_BY_DRIVERS: ReadonlySet<string> = new Set([
  "carried",
  "guard",
]);
/** Who may import the registry. */
export const REGISTRY_USERS = ["src/lnm/", ...COMPOSITION];

/** The files that may touch `Deno.*`; a trailing slash names a folder. */
export const DENO_FILES = [
  "main.ts",
  "src/sys/",
  "src/store/kv_store.ts",
  "src/store/kv_backend.ts",
  "src/plugin/host.ts",
  "src/plugin/guest.ts",
  "src/client/deno.ts",
  "src/client/node.ts",
];

/**
 * The library that others import, and the one file of all it is made of that
 * may touch the machine it runs on; node.ts stands in for that one under Node.
 */
export const LIBRARY = {
  entry: "src/client/mod.ts",
  machine: "src/client/deno.ts",
};

/** Modules of Node that do what `Deno.*` does; for the same files alone. */
export const MACHINE_MODULES =
  /^node:(?:child_process|cluster|dgram|dns|fs|http2?|https|os|process|readline|repl|sqlite|tls|tty|worker_threads)(?:\/|$)/;

/** Folders whose code is pure: no clock, no randomness. */
export const PURE_FOLDERS = ["src/core/", "src/schema/"];

/**
 * Folders that the simulator runs: time, timers, ids and randomness are given
 * to them, so that a seed decides everything they do.
 */
export const SIMULATED_FOLDERS = [
  "src/ctrl/",
  "src/lnm/",
  "src/link/",
  "src/driver/sim/",
  "src/simulator/",
];

/** Files in those folders that tie a role to its machine, and are not simulated. */
export const MACHINE_BOUND_FILES = [
  "src/ctrl/ctrl.ts",
  "src/ctrl/trust/certificates.ts",
  "src/ctrl/auth/password.ts",
  "src/lnm/lnm.ts",
  "src/lnm/credential.ts",
  "src/lnm/peers.ts",
  "src/driver/sim/hypervisor.ts",
];

/** The most lines of a file; what is longer is more than one thing. */
export const MOST_LINES = 350;

/**
 * Files that are longer, and how long each may be: tests and scripts, none of
 * `src/` itself. The list only shrinks: what was split leaves it.
 */
export const LONG_FILES: Readonly<Record<string, number>> = {
  "plugins/filespace/filespace_test.ts": 420,
  "plugins/rebalance/planner_test.ts": 370,
  "scripts/compile.ts": 370,
  "src/ctrl/requests/request_chains_test.ts": 370,
  "src/plugin/chain/chains_test.ts": 460,
  "tests/conformance/driver/migration.ts": 370,
  "tests/conformance/qemu_disks_test.ts": 360,
  "tests/conformance/qemu_migration_test.ts": 380,
  "tests/integration/plugin_mistakes_test.ts": 400,
  "tests/property/placement_test.ts": 410,
  "tests/support/crashing_site.ts": 380,
  "tests/support/example_runner.ts": 420,
  "tests/support/qemu_node.ts": 400,
};

/** Whether `path` is `rule`, or lies in it when `rule` ends in a slash. */
export function matches(path: string, rule: string): boolean {
  return rule.endsWith("/") ? path.startsWith(rule) : path === rule;
}

/** Whether `path` is one that tests are made of. */
export function isTest(path: string): boolean {
  return path.endsWith("_test.ts") || path.startsWith("tests/");
}
