/**
 * Proves the import table of house.ts over the module graph of the sources,
 * imports of types included. Prints each import that breaks it.
 *
 *   deno run -A scripts/check_layers.ts
 *
 * @module
 */
import {
  COMPOSITION,
  FREE,
  isTest,
  LAYERS,
  matches,
  REGISTRY,
  REGISTRY_USERS,
} from "./house.ts";
import { denoOutput, ROOT, sourceFiles } from "./support.ts";

/** One import: a file of the repository, and a file of it or a package. */
export interface Import {
  readonly from: string;
  readonly to: string;
}

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
  if (isTest(to)) return "product code never imports tests";
  if (isPackage(to)) return packageRefusal(from, to);
  if (!to.startsWith("src/")) {
    return COMPOSITION.includes(to) ? "nothing imports it" : null;
  }
  if (COMPOSITION.includes(from)) return null;
  if (COMPOSITION.includes(to)) return "only main.ts joins the roles";
  if (FREE.includes(to)) return null;
  if (FREE.includes(from)) {
    return "everything imports it, so it imports nothing";
  }
  return layerRefusal(from, to);
}

function layerRefusal(from: string, to: string): string | null {
  const [layer, target] = [layerOf(from), layerOf(to)];
  const rule = LAYERS[layer];
  if (rule === undefined) return `src/${layer} is not in the import table`;
  if (layer === "driver" && target === "driver") {
    return driverRefusal(from, to);
  }
  if (layer === target) return null;
  if (to === REGISTRY && !REGISTRY_USERS.some((rule) => matches(from, rule))) {
    return "only lnm and dev know the registry";
  }
  const allowed = rule.imports.includes(target) ||
    rule.imports.some((file) => `src/${file}` === to);
  return allowed ? null : `${layer} may not import ${target}`;
}

/** Within src/driver: the contract is for all, a driver is for the registry. */
function driverRefusal(from: string, to: string): string | null {
  if (from === REGISTRY) return null;
  if (to === REGISTRY) return "only lnm and dev know the registry";
  const [mine, other] = [driverOf(from), driverOf(to)];
  if (other === null || mine === other) return null;
  return mine === null
    ? "the contract knows no driver"
    : `driver ${mine} may not import driver ${other}`;
}

function packageRefusal(from: string, to: string): string | null {
  if (!from.startsWith("src/") || COMPOSITION.includes(from)) return null;
  if (FREE.includes(from)) {
    return "everything imports it, so it imports nothing";
  }
  const layer = layerOf(from);
  const allowed = LAYERS[layer]?.packages ?? [];
  if (allowed === "any" || allowed.includes(packageName(to))) return null;
  return `${layer} may import ${allowed.join(", ") || "no package"}`;
}

function isPackage(to: string): boolean {
  return /^(npm|node|jsr|https?):/.test(to);
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
  const parts = path.split("/");
  return parts.length > 3 ? parts[2] ?? null : null;
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
      return dependencies.map(({ specifier: written, code, type }) => {
        const to = code?.specifier ?? type?.specifier ?? written;
        return {
          from,
          to: to.startsWith(prefix) ? to.slice(prefix.length) : to,
        };
      });
    });
}

/** The graph of every source file: one file that imports them all is asked. */
async function readGraph(): Promise<Graph> {
  const files = (await sourceFiles(ROOT, ["src"]))
    .filter((file) => file.endsWith(".ts"));
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
  const imports = importsOf(await readGraph(), ROOT);
  const broken = violations(imports);
  for (const line of broken) console.error(line);
  console.log(`${imports.length} imports, ${broken.length} against the table`);
  return broken.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
