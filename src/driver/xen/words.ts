/**
 * What xl and its libraries say, for people: their own words, without what
 * they say on success too and without where in their sources they say it.
 *
 * @module
 */

const MAX_LINES = 4;
const MAX_CHARS = 600;

const NOISE =
  /^(Parsing config from |Loading new save file |Saving to | Savefile contains |xc: info: |libxl: info: |migration (target|sender): |WARNING: )/;

/** The first lines that tell what went wrong: libxl tells the cause first, and then what followed of it. */
export function wordsOf(output: string): string {
  return output.split("\n")
    .filter((line) => line.trim() !== "" && !NOISE.test(line))
    .map(withoutPlace)
    .slice(0, MAX_LINES).join("; ").slice(0, MAX_CHARS);
}

function withoutPlace(line: string): string {
  return line.trim()
    .replace(/^(libxl|xc|libxlu): (error|warning|notice): /, "")
    .replace(/^\w+\.c:\d+:\w+: /, "")
    .replace(/^Domain \d+:/, "");
}
