/**
 * Documents that are pasted into a shell from top to bottom: their blocks of
 * shell, run one after another as a reader would.
 *
 * @module
 */
import { strictEqual } from "node:assert/strict";

/** The blocks of shell of a document, in order. */
export function shellBlocks(text: string): string[] {
  return [...text.matchAll(/^```sh\n([^]*?)^```$/gm)]
    .map(([, block = ""]) => block);
}

/** Runs the blocks of `text` in one shell; answers what each printed. */
export async function runBlocks(
  text: string,
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const script = shellBlocks(text)
    .map((block, index) => `${block}\necho; echo "=== ${index}"\n`).join("");
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-eu", "-c", script],
    cwd,
    env,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const printed = decoder.decode(stdout);
  strictEqual(code, 0, printed + decoder.decode(stderr));
  return printed.split(/^=== \d+$/m).slice(0, -1);
}
