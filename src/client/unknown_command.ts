/**
 * What is said of a command that there is not: what was probably meant.
 *
 * @module
 */
import { COMMANDS, NOUNS } from "./commands/index.ts";
import { unknownWord, UsageError } from "./usage.ts";

/** The error of a line that begins with these words, none of which is a command. */
export async function unknownCommand(
  noun: string,
  verb: string | undefined,
): Promise<UsageError> {
  if (noun.startsWith("-")) {
    return new UsageError(
      `Unknown flag ${noun}: only --controller URL may stand before a command`,
      "write it behind the command; usher COMMAND --help shows what each has",
    );
  }
  const verbs = NOUNS[noun]?.verbs;
  if (verbs !== undefined && verb !== undefined) {
    return unknownWord(
      "verb",
      verb,
      Object.keys(verbs),
      `usher ${noun} shows its verbs`,
    );
  }
  // A verb without its noun is the likeliest slip: `usher start web1`.
  const home = Object.entries(NOUNS).find(([, { verbs }]) =>
    Object.hasOwn(verbs, noun)
  );
  if (home !== undefined) {
    return new UsageError(
      `Unknown command: "${noun}" needs its noun before it`,
      `did you mean "usher ${home[0]} ${noun}"?`,
    );
  }
  // And what a role does besides to run: `usher restore FILE`.
  const { ctrl, lnm } = await import("./commands/roles.ts");
  for (const [role, { words }] of Object.entries({ ctrl, lnm })) {
    if (!words.choices?.includes(noun)) continue;
    return new UsageError(
      `Unknown command: "${noun}" needs its role before it`,
      `did you mean "usher ${role} ${noun}"?`,
    );
  }
  const known = [...Object.keys(NOUNS), ...Object.keys(COMMANDS)];
  return unknownWord("command", noun, known, "usher shows them all");
}
