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
    ...(wanted === undefined ? {} : { hint: `it must be a ${wanted}` }),
  };
}

/** What kinds of values are called in YAML. */
const KINDS: Readonly<Record<string, string>> = {
  array: "a list",
  object: "keys with values",
  record: "keys with values",
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  null: "nothing",
};

/** What zod says by itself, as people say it; everything else as it is. */
function inWords(message: string): string {
  const [, wanted, given] =
    /^Invalid input: expected (\w+), received (\w+)$/.exec(message) ?? [];
  if (wanted !== undefined && given !== undefined) {
    return `must be ${KINDS[wanted] ?? wanted}, and is ${
      KINDS[given] ?? given
    }`;
  }
  const [, literal] = /^Invalid input: expected "(.*)"$/.exec(message) ?? [];
  if (literal !== undefined) return `must be ${literal}`;
  const [, options] = /^Invalid option: expected one of (.*)$/.exec(message) ??
    [];
  if (options !== undefined) {
    return `must be one of ${
      options.split("|").map((it) => it.replaceAll('"', "")).join(", ")
    }`;
  }
  const [, side, bound] =
    /^Too (big|small): expected \w+ to be [<>]=(-?[\d.]+)$/.exec(message) ?? [];
  return bound === undefined
    ? message
    : `must be ${bound} at ${side === "big" ? "most" : "least"}`;
}
