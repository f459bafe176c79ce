/**
 * The command lines that the documentation shows, found by where they stand.
 *
 * Lines of code blocks and code in tables are examples: a reader copies them.
 * Code within a sentence mentions a command. A block with lines that begin
 * with `$ ` is a transcript: those are its commands, the rest is what they
 * print.
 *
 * @module
 */

/** A command line that a reader may copy, or a mention of one. */
export interface Example {
  /** Where it stands: `docs/cli.md:12`. */
  readonly at: string;
  readonly line: string;
  /** Part of a sentence: not for copying, but it must not be wrong. */
  readonly mention: boolean;
  /** The error that a transcript shows for it; null when it goes well. */
  readonly error: string | null;
}

/** A block of YAML. */
export interface YamlBlock {
  readonly at: string;
  readonly text: string;
}

/** What one document shows. */
export interface DocExamples {
  readonly examples: readonly Example[];
  readonly yaml: readonly YamlBlock[];
}

/** A line that runs usher, by itself or behind a pipe. */
export const RUNS_USHER = /^(?:[^#]*[|(] ?)?(?:dist\/|\.\/)?usher(?: |$)/;

/** Finds the examples in the Markdown `text` of the file `path`. */
export function readExamples(path: string, text: string): DocExamples {
  const examples: Example[] = [];
  const yaml: YamlBlock[] = [];
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? "";
    const at = `${path}:${i + 1}`;
    const fence = /^```(\w*)$/.exec(line);
    if (fence !== null) {
      const closed = lines.indexOf("```", i + 1);
      // As readers see it: what is not closed takes the rest.
      const end = closed < 0 ? lines.length : closed;
      const block = lines.slice(i + 1, end);
      if (fence[1] === "yaml") yaml.push({ at, text: `${block.join("\n")}\n` });
      else examples.push(...readBlock(path, i + 2, block));
      i = end;
    } else if (line.startsWith("    ")) {
      examples.push(...readBlock(path, i + 1, [line.trim()]));
    } else examples.push(...readInline(at, line));
  }
  return { examples, yaml };
}

function readBlock(
  path: string,
  first: number,
  block: readonly string[],
): Example[] {
  const isTranscript = block.some((line) => line.startsWith("$ "));
  return block.flatMap((text, i): Example[] => {
    if (isTranscript && !text.startsWith("$ ")) return [];
    const line = text.replace(/^\$ /, "").replace(/\s+#.*$/, "")
      .replace(/^sudo (?=(?:\.\/)?usher )/, "").trim();
    if (!RUNS_USHER.test(line) || isUsage(line)) return [];
    return [{
      at: `${path}:${first + i}`,
      line,
      mention: false,
      error: isTranscript ? errorAfter(block.slice(i + 1)) : null,
    }];
  });
}

/** `usher NOUN VERB [WORDS...]` says how commands look, and is none. */
function isUsage(line: string): boolean {
  return /[A-Z]+ VERB|\[[A-Za-z]+/.test(line);
}

/** The first error that stands before the next command. */
function errorAfter(lines: readonly string[]): string | null {
  for (const line of lines) {
    if (line.startsWith("$ ")) return null;
    if (line.startsWith("error: ")) return line;
  }
  return null;
}

function readInline(at: string, line: string): Example[] {
  const mention = !line.startsWith("|");
  return [...line.matchAll(/`([^`]+)`/g)]
    .map(([, code = ""]) => code.replaceAll("\\|", "|"))
    // The name alone is no command: it is what the program is called.
    .filter((code) =>
      RUNS_USHER.test(code) && !isUsage(code) && code !== "usher"
    )
    .map((code) => ({ at, line: code, mention, error: null }));
}
