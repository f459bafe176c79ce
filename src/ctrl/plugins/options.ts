/**
 * What a plugin's own schema says of its options, as mistakes in the
 * configuration: each where it stands in the file.
 *
 * @module
 */
import type { OptionIssue } from "../../plugin/process/instance.ts";
import {
  type KeyPath,
  meant,
  type Mistake,
} from "../../plugin/files/mistake.ts";
import { inWords } from "../../schema/issue_words.ts";
import type { PluginConfig } from "../../schema/plugin.ts";

/** The mistakes that `issues` are in registration `index` of a plugin. */
export function optionMistakes(
  name: string,
  { events }: PluginConfig,
  index: number,
  issues: readonly OptionIssue[],
): Mistake[] {
  const own = events[index]?.options ?? {};
  /** Where options that begin with `key` stand: the event's own win. */
  const pathTo = (keys: readonly (string | number)[]): KeyPath => {
    const [first] = keys;
    const isOwn = first !== undefined && Object.hasOwn(own, String(first));
    return isOwn
      ? ["plugins", name, "events", index, "options", ...keys]
      : ["plugins", name, "options", ...keys];
  };
  // What is misspelt is missing as well: that it is misspelt says more.
  const misspeltFirst = issues.toSorted((a, b) =>
    Number(b.unknown.length > 0) - Number(a.unknown.length > 0)
  );
  return misspeltFirst.flatMap((issue) =>
    issue.unknown.length > 0
      ? issue.unknown.map((key) => unknownOption(pathTo, issue, key))
      : [wrongOption(pathTo, issue)]
  );
}

function unknownOption(
  pathTo: (keys: readonly (string | number)[]) => KeyPath,
  { path, known }: OptionIssue,
  key: string,
): Mistake {
  return {
    path: pathTo([...path, key]),
    message: `unknown option "${[...path, key].join(".")}"`,
    hint: meant(key, known),
  };
}

function wrongOption(
  pathTo: (keys: readonly (string | number)[]) => KeyPath,
  { path, message }: OptionIssue,
): Mistake {
  const isMissing = /received undefined$/.test(message);
  const [, wanted] = /expected (\w+), received undefined$/.exec(message) ?? [];
  return {
    path: pathTo(path),
    message: isMissing
      ? `option "${path.join(".")}" is missing`
      : inWords(message),
    hint: wanted === undefined
      ? "usher plugin check shows each option with what it takes"
      : `it must be a ${wanted}`,
  };
}
