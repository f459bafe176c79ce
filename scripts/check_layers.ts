/**
 * Proves the import table of house.ts over the module graph of the sources,
 * imports of types included, and that no imports run in a circle. Prints each
 * import that breaks the table, and each circle.
 *
 *   deno run -A scripts/check_layers.ts
 *
 * @module
 */
import {
  COMPOSITION,
  DENO_FILES,
  FREE,
  INSTALLER,
  isTest,
  LAYERS,
  LIBRARY,
  MACHINE_MODULES,
  matches,
  REGISTRY,
  REGISTRY_USERS,
  SHARED_BY_DRIVERS,
  SIMULATED_PLUGINS,
  SIMULATOR,
} from "./house.ts";
import { circles, type Import } from "./import_circles.ts";
import { FOLDERS } from "./stages.ts";
import { denoOutput, ROOT, sourceFiles } from "./support.ts";

/** The imports that break the table, each with the reason. */
export function violations(imports: readonly Import[]): string[] {
  return imports.flatMap(({ from, to }) => {
    const reason = refusal(from, to);
    return reason === null ? [] : [`${from} imports ${to}: ${reason}`];
  });
}

/** Why `from` may not import `to`, or null when it may. */
function refusal(from: string, to: string): string | null {
  if (isTest(from)) return null;
  if (isTest(to)) {
    return isProduct(from) ? "product code never imports tests" : null;
  }
  if (isPackage(to)) return packageRefusal(from, to);
  if (!to.startsWith("src/")) {
    if (isComposition(to)) return "nothing imports it";
    if (matches(from, INSTALLER) && to.startsWith("configs/")) return null;
    if (matches(from, SIMULATOR) && SIMULATED_PLUGINS.includes(to)) return null;
    return isProduct(from) ? "product code imports from src/ alone" : null;
  }
  if (to.startsWith(SIMULATOR) && isProduct(from)) {
    return from === "src/roles.ts" || from.startsWith(SIMULATOR)
      ? null
      : "only the role table knows the simulator";
  }
  if (isComposition(to)) {
    return isComposition(from) || !isProduct(from)
      ? null
      : "only main.ts joins the roles";
  }
  return isProduct(from) ? sourceRefusal(from, to) : null;
}

function sourceRefusal(from: string, to: string): string | null {
  if (FREE.includes(from)) {
    return "everything imports it, so it imports nothing";
  }
  if (FREE.includes(to)) return null;
  const driver = driverOf(to);
  if (driver !== null && driver !== driverOf(from)) {
    return driverRefusal(from, driver);
  }
  if (isComposition(from)) return null;
  return layerRefusal(from, to);
}

function layerRefusal(from: string, to: string): string | null {
  const [layer, target] = [layerOf(from), layerOf(to)];
  const rule = LAYERS[layer];
  if (rule === undefined) return `src/${layer} is not in the import table`;
  if (to === REGISTRY && !REGISTRY_USERS.some((rule) => matches(from, rule))) {
    return "only lnm and dev know the registry";
  }
  if (layer === target) return null;
  const allowed = rule.imports.includes(target) ||
    rule.imports.some((file) => `src/${file}` === to);
  return allowed ? null : `${layer} may not import ${target}`;
}

/** A driver is for the registry alone, and sim for the simulator; the contract is for all. */
function driverRefusal(from: string, driver: string): string | null {
  if (from === REGISTRY) return null;
  if (from.startsWith(SIMULATOR) && driver === "sim") return null;
  const mine = driverOf(from);
  if (mine !== null) return `driver ${mine} may not import driver ${driver}`;
  return layerOf(from) === "driver"
    ? "the contract knows no driver"
    : `only ${REGISTRY} knows driver ${driver}`;
}

function packageRefusal(from: string, to: string): string | null {
  if (!/^(npm|node):/.test(to)) return "packages come from npm alone";
  if (!isProduct(from)) return null;
  if (FREE.includes(from)) {
    return "everything imports it, so it imports nothing";
  }
  if (MACHINE_MODULES.test(to) && !DENO_FILES.some((f) => matches(from, f))) {
    return "only the files that may touch Deno.* may touch the machine";
  }
  if (isComposition(from)) return null;
  const layer = layerOf(from);
  const allowed = LAYERS[layer]?.packages ?? [];
  if (allowed === "any" || allowed.includes(packageName(to))) return null;
  return `${layer} may import ${allowed.join(", ") || "no package"}`;
}

function isComposition(path: string): boolean {
  return COMPOSITION.some((rule) => matches(path, rule));
}

function isProduct(path: string): boolean {
  return path.startsWith("src/") || path === "main.ts";
}

function isPackage(to: string): boolean {
  return /^(npm|node|jsr|https?|data|blob):/.test(to);
}

/** The source files that no line of the table speaks of. */
export function unplaced(files: readonly string[]): string[] {
  return files
    .filter((file) =>
      !(layerOf(file) in LAYERS) && !FREE.includes(file) &&
      !isComposition(file) && !isTest(file)
    )
    .map((file) => `${file} is in no layer of the import table`);
}

/** `npm:/@scope/name@1.2.3/sub` and `npm:name@1` without version and path. */
function packageName(specifier: string): string {
  const [, name] = /^npm:\/?((?:@[^/]+\/)?[^@/]+)/.exec(specifier) ?? [];
  return name ?? specifier;
}

/** The folder of src/ that a file lies in; a file in src/ itself is its own. */
function layerOf(path: string): string {
  return path.split("/")[1] ?? "";
}

/** The driver a file belongs to; null for the contract and what is shared. */
function driverOf(path: string): string | null {
  const [, layer, folder = "", ...rest] = path.split("/");
  const isDriver = layer === "driver" && rest.length > 0 &&
    !SHARED_BY_DRIVERS.has(folder);
  return isDriver ? folder : null;
}

/**
 * What of the client library is bound to a machine: of the files that its
 * entry reaches, imports of types included, those that name Deno or a module
 * of Node. One file alone may.
 */
export function boundToMachine(
  imports: readonly Import[],
  textOf: (file: string) => string,
): string[] {
  const reached = new Map([[LIBRARY.entry, "nobody"]]);
  const broken: string[] = [];
  for (const [file, importer] of reached) {
    if (file === LIBRARY.machine) continue;
    if (file.startsWith("node:")) {
      broken.push(
        `${importer} imports ${file}: the client library runs anywhere`,
      );
    }
    if (!file.startsWith("src/")) continue;
    // No other file names it: the linter holds them to that.
    const may = DENO_FILES.some((rule) => matches(file, rule));
    if (may && /\bDeno\./.test(withoutComments(textOf(file)))) {
      broken.push(
        `${file}, which ${importer} imports, names Deno: the client library runs anywhere`,
      );
    }
    for (const { from, to } of imports) {
      if (from === file && !reached.has(to)) reached.set(to, from);
    }
  }
  return broken;
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, "");
}

interface Graph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly code?: { readonly specifier?: string };
      readonly type?: { readonly specifier?: string };
    }[];
  }[];
}

/** The imports in what `deno info --json` prints, relative to `root`. */
export function importsOf(graph: Graph, root: string): Import[] {
  const prefix = `file://${root}`;
  return graph.modules
    .filter(({ specifier }) => specifier.startsWith(prefix))
    .flatMap(({ specifier, dependencies = [] }) => {
      const from = specifier.slice(prefix.length);
      return dependencies.flatMap(({ specifier: written, code, type }) => {
        const found = [code?.specifier, type?.specifier]
          .filter((specifier) => specifier !== undefined);
        const targets = new Set(found.length > 0 ? found : [written]);
        return [...targets].map((to) => ({
          from,
          to: to.startsWith(prefix) ? to.slice(prefix.length) : to,
        }));
      });
    });
}

/** The graph of `files`: one file that imports them all is asked. */
async function readGraph(files: readonly string[]): Promise<Graph> {
  await Deno.mkdir(`${ROOT}.cache`, { recursive: true });
  const entry = await Deno.makeTempFile({
    dir: `${ROOT}.cache`,
    prefix: "layers_",
    suffix: ".ts",
  });
  try {
    const lines = ["main.ts", ...files].map((file) =>
      `import ${JSON.stringify(`../${file}`)};\n`
    );
    await Deno.writeTextFile(entry, lines.join(""));
    const graph: Graph = JSON.parse(
      await denoOutput(["info", "--json", entry]),
    );
    const modules = graph.modules.filter(({ specifier }) =>
      specifier !== `file://${entry}`
    );
    return { modules };
  } finally {
    await Deno.remove(entry);
  }
}

async function main(): Promise<number> {
  const files = (await sourceFiles(ROOT, FOLDERS))
    .filter((file) => /\.[cm]?[jt]sx?$/.test(file));
  const imports = importsOf(await readGraph(files), ROOT);
  const broken = [
    ...unplaced(files.filter((file) => file.startsWith("src/"))),
    ...violations(imports),
    ...circles(imports),
    ...boundToMachine(imports, (file) => Deno.readTextFileSync(ROOT + file)),
  ];
  for (const line of broken) console.error(line);
  console.log(`${imports.length} imports, ${broken.length} against the table`);
  return broken.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
