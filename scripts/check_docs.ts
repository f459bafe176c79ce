/**
 * Checks that the documents are there: the files a person looks for first, a
 * doc sentence on everything that src/ exports, and files short enough to be
 * read at once. A document that names a file names one that is there.
 *
 *   deno run -A scripts/check_docs.ts
 *
 * @module
 */
import { isTest } from "./house.ts";
import { denoOutput, ROOT, sourceFiles } from "./support.ts";

const REQUIRED = [
  "README.md",
  "LICENSE",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "docs/architecture.md",
  "docs/install.md",
  "docs/cli.md",
  "docs/operations.md",
  "docs/clients.md",
  "docs/drivers.md",
  "docs/decisions/README.md",
  "docs/decisions/0001-one-executable-on-deno.md",
];

/** A file longer than this is listed; one longer than the second fails. */
const LONG_LINES = 350;
const TOO_LONG_LINES = 500;

const KINDS = new Set(["function", "class", "interface", "typeAlias"]);

/** What `deno doc --json` prints, as far as it is read here. */
export interface Documentation {
  readonly nodes: Readonly<
    Record<string, { readonly symbols?: readonly DocSymbol[] }>
  >;
}

interface DocSymbol {
  readonly name: string;
  readonly declarations: readonly {
    readonly kind: string;
    readonly declarationKind?: string;
    readonly location: { readonly filename: string; readonly line: number };
    readonly jsDoc?: { readonly doc?: string };
  }[];
}

/**
 * The exported functions, classes and types without a doc sentence. A schema
 * and its type share a name: a sentence on either is enough.
 */
export function undocumented({ nodes }: Documentation): string[] {
  return Object.entries(nodes).flatMap(([file, { symbols = [] }]) =>
    symbols.flatMap(({ name, declarations }) => {
      const own = declarations.filter(({ location, declarationKind }) =>
        location.filename === file && declarationKind === "export"
      );
      const [first] = own.filter(({ kind }) => KINDS.has(kind));
      const hasDoc = own.some(({ jsDoc }) => (jsDoc?.doc ?? "").trim() !== "");
      return first === undefined || hasDoc
        ? []
        : [`${file}:${first.location.line}: ${name} has no doc sentence`];
    })
  );
}

const NAMED_PATH =
  /`((?:src|scripts|tests|plugins|docs|configs)\/[^`\s]*|main\.ts)`/g;

/** The paths that `text` names and `exists` does not know; `NAME` stands for any name. */
export function deadPaths(
  text: string,
  exists: (path: string) => boolean,
): string[] {
  const named = [...text.matchAll(NAMED_PATH)].map(([, path = ""]) => path);
  return [...new Set(named)]
    .filter((path) => !path.includes("NAME") && !exists(path));
}

/** What documents name that is not there. Decisions tell of their day, and are left alone. */
async function deadPathsOf(documents: readonly string[]): Promise<string[]> {
  const dead: string[] = [];
  for (const document of documents) {
    const text = await Deno.readTextFile(ROOT + document);
    for (const path of deadPaths(text, isThere)) {
      dead.push(`${document} names ${path}, which is not there`);
    }
  }
  return dead;
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(ROOT + path);
    return true;
  } catch {
    return false;
  }
}

async function missingFiles(): Promise<string[]> {
  const missing: string[] = [];
  for (const file of REQUIRED) {
    const found = await Deno.stat(ROOT + file).catch(() => null);
    if (found === null) missing.push(`${file} is missing`);
  }
  return missing;
}

/** Files by length: those that fail, and those that are only pointed at. */
async function longFiles(files: readonly string[]) {
  const failing: string[] = [];
  const noted: string[] = [];
  for (const file of files) {
    const text = await Deno.readTextFile(ROOT + file);
    const lines = text.split("\n").length - 1;
    if (lines > TOO_LONG_LINES) {
      failing.push(`${file} has ${lines} lines, more than ${TOO_LONG_LINES}`);
    } else if (lines > LONG_LINES) {
      noted.push(`${file} has ${lines} lines: look whether it is one thing`);
    }
  }
  return { failing, noted };
}

async function main(): Promise<number> {
  const all = (await sourceFiles(ROOT, ["src", "scripts", "plugins", "tests"]))
    .filter((file) => file.endsWith(".ts"));
  const product = all.filter((file) =>
    file.startsWith("src/") && !isTest(file)
  );
  const documentation: Documentation = JSON.parse(
    await denoOutput(["doc", "--json", ...product]),
  );
  const bare = undocumented(documentation)
    .map((line) => line.replace(`file://${ROOT}`, ""));
  const { failing, noted } = await longFiles(all);
  for (const line of noted) console.log(`note: ${line}`);
  const documents = (await sourceFiles(ROOT, ["docs"]))
    .filter((file) => file.endsWith(".md") && !file.includes("/decisions/"));
  const problems = [
    ...await missingFiles(),
    ...bare,
    ...failing,
    ...await deadPathsOf(["README.md", "CONTRIBUTING.md", ...documents]),
  ];
  for (const line of problems) console.error(line);
  console.log(`${product.length} source files, ${problems.length} problems`);
  return problems.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
