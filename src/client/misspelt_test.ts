/**
 * Every slip at every flag of every command is answered with what would be
 * right: the descriptions of the commands are walked, so a new one is, too.
 *
 * @module
 */
import { match, ok, strictEqual } from "node:assert/strict";
import type { Command } from "./command.ts";
import { COMMANDS, NOUNS } from "./commands/index.ts";
import { usher } from "../../tests/support/fake_client.ts";
import { parseCommand } from "./parse.ts";
import { UsageError } from "./usage.ts";

/** All commands by what one types. */
async function allCommands(): Promise<(readonly [string, Command])[]> {
  const entries = [
    ...Object.entries(NOUNS).flatMap(([noun, { verbs }]) =>
      Object.entries(verbs).map(([verb, entry]) =>
        [`${noun} ${verb}`, entry] as const
      )
    ),
    ...Object.entries(COMMANDS),
  ];
  return await Promise.all(
    entries.map(async ([name, { load }]) => [name, await load()] as const),
  );
}

/** The hint for `argv`; throws unless it is refused with one. */
function hintFor(name: string, command: Command, argv: string[]): string {
  const line = `usher ${name} ${argv.join(" ")}`;
  try {
    parseCommand(name, command, argv);
  } catch (error) {
    ok(error instanceof UsageError, `${line}: ${error}`);
    ok(error.hint !== undefined && error.hint !== "", `${line}: no hint`);
    return error.hint;
  }
  throw new Error(`${line} was taken`);
}

/** `word` with two letters in its middle swapped, or one left out. */
function slip(word: string): string {
  const at = word.length >> 1;
  const swapped = word.slice(0, at - 1) + word[at] + word[at - 1] +
    word.slice(at + 1);
  return swapped === word ? word.slice(0, at) + word.slice(at + 1) : swapped;
}

Deno.test("a slip at any flag of any command says what would be right", async () => {
  for (const [name, command] of await allCommands()) {
    const words = Array.from({ length: command.words.min }, () => "a");
    for (const [key, flag] of Object.entries(command.flags)) {
      const hint = (...argv: string[]) =>
        hintFor(name, command, [...words, ...argv]);
      if (key.length > 3) {
        match(hint(`--${slip(key)}`), new RegExp(`"--${key}"\\?`), name);
      }
      if (flag.kind === "switch") {
        strictEqual(hint(`--${key}=x`), `write --${key} alone`);
        strictEqual(hint(`--${key}=false`), `leave --${key} out`);
        continue;
      }
      hint(`--${key}`);
      if (flag.choices !== undefined || flag.read !== undefined) {
        try {
          parseCommand(name, command, [...words, `--${key}=%`]);
        } catch {
          // What is refused says what would be right; some take any text.
          hint(`--${key}=%`);
        }
      }
    }
    hintFor(name, command, [...words, "--no-such-flag-at-all"]);
    if (command.words.min > 0) hintFor(name, command, []);
    if (command.words.max < Infinity) {
      const many = Array.from({ length: command.words.max + 1 }, () => "a");
      hintFor(name, command, many);
    }
  }
});

Deno.test("a slip at a noun or a verb names the nearest one", async () => {
  for (const [noun, { verbs }] of Object.entries(NOUNS)) {
    for (const verb of Object.keys(verbs)) {
      const { code, err } = await usher([noun, `${verb}x`]);
      strictEqual(code, 64);
      match(err, new RegExp(`try: did you mean "${verb}"\\?`));
    }
  }
});

Deno.test("--controller may stand before a command, and nothing else", async () => {
  for (
    const flag of [["--controller", "https://a:1"], ["--controller=a:1"]]
  ) {
    const { err } = await usher([...flag, "vm", "list"]);
    match(err, /Not logged in at https:\/\/a:1/);
  }
  const { code, err } = await usher(["--verbose", "vm", "list"]);
  strictEqual(code, 64);
  match(err, /only --controller URL may stand before a command/);
  match(err, /try: write it behind the command/);
});
