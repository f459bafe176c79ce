/**
 * Makes the client library's package for Node: `dist/npm`, JavaScript modules
 * with their types, and a package.json that names what they need.
 *
 * The TypeScript compiler does all of it, file by file: it writes `using` for a
 * Node that does not know it, and would say so if the library named anything
 * that Node has not. "#machine", which is deno.ts here, is node.ts there, by
 * the package's own `imports`. What is in dist/npm is whole: it is put there
 * once it is made.
 *
 *   deno task npm      then: npm install ./dist/npm
 *
 * Tests make it once for all of them: nothing is done when no source has
 * changed since.
 *
 * @module
 */
import config from "../deno.json" with { type: "json" };
import { ROOT, sha256, sourceFiles } from "./support.ts";

const DIST = `${ROOT}dist`;

/** Where the package is put. */
export const PACKAGE = `${DIST}/npm`;

/** Says what the package was made from. */
const STAMP = `${DIST}/.npm-inputs`;

/** The oldest Node that it runs on. */
const NODE = ">=20.18";

const ENTRY = "client/mod";

/** How sources are read, here and by who compiles against the package. */
export const COMPILER_OPTIONS = {
  ...config.compilerOptions,
  target: "ES2022",
  module: "ESNext",
  moduleResolution: "Bundler",
  lib: [
    "ES2023",
    "DOM",
    "DOM.Iterable",
    "DOM.AsyncIterable",
    "ESNext.Disposable",
  ],
  types: ["node"],
  typeRoots: [`${ROOT}node_modules/@types`],
  rewriteRelativeImportExtensions: true,
};

/** Compiles `files`; throws what the compiler says is wrong. */
export async function compileForNode(
  files: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "usher_tsc_" });
  try {
    const compilerOptions = { ...COMPILER_OPTIONS, ...options };
    const project = `${folder}/tsconfig.json`;
    await Deno.writeTextFile(
      project,
      JSON.stringify({ compilerOptions, files }),
    );
    const { success, stdout, stderr } = await new Deno.Command(
      Deno.execPath(),
      {
        args: ["run", "-A", "npm:typescript/tsc", "--project", project],
        cwd: ROOT,
        stdin: "null",
        env: { NO_COLOR: "1" },
      },
    ).output();
    const decoder = new TextDecoder();
    if (success) return;
    throw new Error(decoder.decode(stdout) + decoder.decode(stderr));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Makes the package, unless it is there and no source has changed; answers whether it did. */
export async function makePackage(): Promise<boolean> {
  await Deno.mkdir(DIST, { recursive: true });
  using lock = await Deno.open(`${DIST}/.npm-lock`, {
    create: true,
    write: true,
  });
  await lock.lock(true);
  const inputs = await hashInputs();
  const made = await Deno.readTextFile(STAMP).catch(() => null);
  const isThere = await Deno.stat(`${PACKAGE}/package.json`).catch(() => null);
  if (made === inputs && isThere !== null) return false;
  await makeAnew();
  await Deno.writeTextFile(STAMP, inputs);
  return true;
}

/** A digest over everything that the package could be made from. */
async function hashInputs(): Promise<string> {
  const files = (await sourceFiles(ROOT, ["src"]))
    .filter((file) => !file.endsWith("_test.ts"));
  const others = ["deno.json", "deno.lock", "LICENSE", "scripts/npm.ts"];
  const lines: string[] = [];
  for (const file of [...files, ...others]) {
    lines.push(`${await sha256(await Deno.readFile(ROOT + file))} ${file}`);
  }
  return await sha256(new TextEncoder().encode(lines.join("\n")));
}

async function makeAnew(): Promise<void> {
  const part = `${PACKAGE}.part-${Deno.pid}`;
  try {
    await compileForNode([`${ROOT}src/${ENTRY}.ts`], {
      rootDir: `${ROOT}src`,
      outDir: part,
      declaration: true,
      paths: { "#machine": [`${ROOT}src/client/node.ts`] },
    });
    await removeUnreached(part);
    await Deno.writeTextFile(
      `${part}/package.json`,
      `${JSON.stringify(await manifest(part), null, 2)}\n`,
    );
    await Deno.copyFile(`${ROOT}LICENSE`, `${part}/LICENSE`);
    await Deno.writeTextFile(`${part}/README.md`, README);
    // Without a stamp, whatever an interruption leaves is made anew.
    await Deno.remove(STAMP).catch(() => {});
    await Deno.remove(PACKAGE, { recursive: true }).catch(() => {});
    await Deno.rename(part, PACKAGE);
  } catch (error) {
    await Deno.remove(part, { recursive: true }).catch(() => {});
    throw error;
  }
}

const README = `# @usher/client

A client of usher's controllers, for Node. The guide is \`docs/clients.md\` of
usher's sources, which this was made from.
`;

/** Takes out modules that are there for their types alone. */
async function removeUnreached(part: string): Promise<void> {
  const reached = new Set([`${ENTRY}.js`, "client/node.js"]);
  for (const file of reached) {
    const text = await Deno.readTextFile(`${part}/${file}`);
    for (const specifier of importsIn(text)) {
      if (!specifier.startsWith(".")) continue;
      const { pathname } = new URL(specifier, `file:///${file}`);
      reached.add(pathname.slice(1));
    }
  }
  for (const file of await sourceFiles(`${part}/`, ["."])) {
    const path = file.replace(/^\.\//, "");
    if (path.endsWith(".js") && !reached.has(path)) {
      await Deno.remove(`${part}/${path}`);
    }
  }
}

function importsIn(text: string): string[] {
  return [...text.matchAll(/(?:from|import\(|import) ?"([^"]+)"/g)]
    .map(([, specifier = ""]) => specifier);
}

/** package.json; it needs the packages that a module or a type names. */
async function manifest(part: string): Promise<Record<string, unknown>> {
  const needed = new Set<string>();
  for (const file of await sourceFiles(`${part}/`, ["."])) {
    for (const name of importsIn(await Deno.readTextFile(`${part}/${file}`))) {
      if (!/^(?:[.#]|node:)/.test(name)) needed.add(name);
    }
  }
  const packages: Readonly<Record<string, string>> = config.imports;
  return {
    name: "@usher/client",
    version: config.version,
    description:
      "A client of usher, which manages virtual machines on a cluster",
    license: config.license,
    type: "module",
    engines: { node: NODE },
    exports: {
      ".": { types: `./${ENTRY}.d.ts`, default: `./${ENTRY}.js` },
    },
    imports: { "#machine": "./client/node.js" },
    dependencies: Object.fromEntries(
      [...needed].toSorted().map((
        name,
      ) => [name, packages[name]?.replace(/^npm:.*@/, "")]),
    ),
  };
}

if (import.meta.main) {
  const isNew = await makePackage();
  console.log(isNew ? "made dist/npm" : "dist/npm is up to date");
}
