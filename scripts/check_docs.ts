/**
 * Checks that the documents are there: the files a person looks for first, a
 * doc sentence on everything that src/ exports, and files short enough to be
 * read at once. A document that names a file names one that is there, and
 * shows no command that nothing runs unless it says why.
 *
 *   deno run -A scripts/check_docs.ts
 *
 * @module
 */
import { RUNS_USHER } from "../tests/support/doc_examples.ts";
import { SERVICE_COMMANDS } from "../tests/support/installations.ts";
import { isTest, LONG_FILES, MOST_LINES } from "./house.ts";
import { denoOutput, ROOT, sourceFiles } from "./support.ts";

const REQUIRED = [
  "README.md",
  "LICENSE",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "docs/architecture.md",
  "docs/README.md",
  "docs/tour.md",
  "docs/security.md",
  "docs/install.md",
  "docs/cli.md",
  "docs/command-line.md",
  "docs/shell.md",
  "docs/operations.md",
  "docs/clients.md",
  "docs/drivers.md",
  "docs/decisions/README.md",
  "docs/decisions/0001-one-executable-on-deno.md",
];

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

/** Documents whose blocks of shell a test runs from top to bottom. */
const RUN_WHOLE: ReadonlySet<string> = new Set([
  "docs/clients.md",
  "docs/shell.md",
  "docs/tour.md",
]);

const SERVICE_LINES: ReadonlySet<string> = new Set(SERVICE_COMMANDS);

const NOT_RUN = /^<!-- not run: \S.* -->$/;

/**
 * The commands that `document` shows in a block and no test runs. Those of
 * usher are run by `tests/e2e/docs_test.ts`, those of a service in a guest
 * (`tests/support/installations.ts`); others need a line
 * `<!-- not run: why -->` above their block.
 */
export function unrunCommands(document: string, text: string): string[] {
  const lines = text.split("\n");
  const problems: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    const fence = /^```(\w*)$/.exec(lines[i] ?? "");
    if (fence === null) continue;
    const end = lines.indexOf("```", i + 1);
    if (end < 0) {
      return [...problems, `${document}:${i + 1}: this block is not closed`];
    }
    const isShell = fence[1] === "sh" || fence[1] === "";
    const isRun = fence[1] === "sh" && RUN_WHOLE.has(document);
    const hasReason = NOT_RUN.test(lines[i - 1] ?? "");
    if (isShell && !isRun && !hasReason) {
      problems.push(
        ...commandsOf(lines.slice(i + 1, end)).map((line) =>
          `${document}:${
            i + 1
          }: no test runs "${line}"; say why above its block: <!-- not run: why -->`
        ),
      );
    }
    i = end;
  }
  return problems;
}

/** What a reader would type of a block, but for usher's own commands. */
function commandsOf(block: readonly string[]): string[] {
  const isTranscript = block.some((line) => line.startsWith("$ "));
  return block
    .filter((line) => !isTranscript || line.startsWith("$ "))
    .map((line) => line.replace(/^\$ /, "").replace(/^sudo /, ""))
    .filter((line) =>
      line.trim() !== "" && !line.startsWith("#") && !RUNS_USHER.test(line) &&
      !SERVICE_LINES.has(line)
    );
}

async function unrunCommandsOf(documents: readonly string[]) {
  const found = await Promise.all(
    documents.map(async (document) =>
      unrunCommands(document, await Deno.readTextFile(ROOT + document))
    ),
  );
  return found.flat();
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

/** What is too long: more than a file may have, or than a tolerated one had. */
export function lengthProblems(
  lengths: ReadonlyMap<string, number>,
  tolerated: Readonly<Record<string, number>>,
): string[] {
  return [...lengths].flatMap(([file, lines]) => {
    const most = tolerated[file] ?? MOST_LINES;
    return lines > most
      ? [`${file} has ${lines} lines, more than ${most}: split it by its nouns`]
      : [];
  });
}

/** Those that are tolerated and need not be any more. */
export function shortAgain(
  lengths: ReadonlyMap<string, number>,
  tolerated: Readonly<Record<string, number>>,
): string[] {
  return Object.keys(tolerated)
    .filter((file) => (lengths.get(file) ?? 0) <= MOST_LINES)
    .map((file) => `${file} is not long: take it out of LONG_FILES`);
}

async function lengthsOf(files: readonly string[]) {
  const lengths = new Map<string, number>();
  for (const file of files) {
    const text = await Deno.readTextFile(ROOT + file);
    lengths.set(file, text.split("\n").length - 1);
  }
  return lengths;
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
  const lengths = await lengthsOf(all);
  for (const line of shortAgain(lengths, LONG_FILES)) {
    console.log(`note: ${line}`);
  }
  const documents = (await sourceFiles(ROOT, ["docs"]))
    .filter((file) => file.endsWith(".md") && !file.includes("/decisions/"));
  const problems = [
    ...await missingFiles(),
    ...bare,
    ...lengthProblems(lengths, LONG_FILES),
    ...await deadPathsOf(["README.md", "CONTRIBUTING.md", ...documents]),
    ...await unrunCommandsOf(["README.md", ...documents]),
  ];
  for (const line of problems) console.error(line);
  console.log(`${product.length} source files, ${problems.length} problems`);
  return problems.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
