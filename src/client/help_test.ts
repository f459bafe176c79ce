import { match, strictEqual } from "node:assert/strict";
import { COMMANDS, NOUNS } from "./commands/index.ts";
import { commandHelp, nounHelp, overview } from "./help.ts";

/** The longest line, but for words that no line can hold. */
function widest(help: string, width: number): number {
  const lines = help.split("\n").filter((line) =>
    line.trim().split(" ").every((word) => word.length < width / 2)
  );
  return Math.max(...lines.map((line) => line.length));
}

Deno.test("help fits the terminal, and loses no word by it", async () => {
  for (const width of [40, 60, 80, 100]) {
    const all: [string, string][] = [
      [overview(width), overview(Infinity)],
      [nounHelp("vm", width), nounHelp("vm", Infinity)],
    ];
    for (const [verb, entry] of Object.entries(NOUNS["vm"]?.verbs ?? {})) {
      const command = await entry.load();
      all.push([
        commandHelp(`vm ${verb}`, { ...command, examples: [] }, width),
        commandHelp(`vm ${verb}`, { ...command, examples: [] }, Infinity),
      ]);
    }
    for (const [narrow, wide] of all) {
      strictEqual(widest(narrow, width) <= width, true, narrow);
      const words = (text: string) => text.split(/\s+/).join(" ");
      strictEqual(words(narrow), words(wide));
    }
  }
});

Deno.test("help names every flag, and hides what is hidden", async () => {
  const start = await NOUNS["vm"]?.verbs["start"]?.load();
  if (start === undefined) throw new Error("there is no vm start");
  const help = commandHelp("vm start", start, Infinity);
  for (const flag of Object.keys(start.flags)) {
    match(help, new RegExp(`--${flag}\\b`));
  }
  match(help, /-n, --count COUNT +make so many/);
  match(help, /--disk DISK .*; may be repeated/);
  for (const name of Object.keys(COMMANDS)) {
    match(overview(Infinity), new RegExp(`^  ${name}\\b`, "m"));
  }
});
