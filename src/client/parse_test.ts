import {
  deepStrictEqual,
  match,
  strictEqual,
  throws,
} from "node:assert/strict";
import {
  type Command,
  list,
  NO_WORDS,
  parsed,
  text,
  toggle,
  wholeNumber,
  type Words,
} from "./command.ts";
import { parseCommand } from "./parse.ts";
import type { UsageError } from "./usage.ts";

const FLAGS = {
  count: parsed("N", "how many", wholeNumber("count", { min: 1, max: 9 }), {
    short: "n",
  }),
  follow: toggle("go on", { short: "f" }),
  disk: list("DISK", "a disk", (word) => word.toUpperCase()),
  on: text("NODE", "where"),
};

const WORDS: Words = {
  usage: "NAMES... [key=value...]",
  min: 1,
  max: 2,
  completes: "vm",
};

function parse(line: string, words: Words = WORDS) {
  const command: Pick<Command<typeof FLAGS>, "flags" | "words"> = {
    flags: FLAGS,
    words,
  };
  return parseCommand("vm do", command, line.split(" ").filter(Boolean));
}

/** Message and hint of what is refused. */
function refused(line: string, words: Words = WORDS): string {
  let said = "";
  throws(() => parse(line, words), (error: UsageError) => {
    said = `${error.message} | ${error.hint ?? ""}`;
    return error.name === "UsageError";
  });
  return said;
}

Deno.test("parseCommand() reads flags wherever they stand, and in every form", () => {
  for (
    const line of [
      "a --count 3 -f --disk x --disk y --on n1",
      "--on=n1 -fn3 --disk=x a --disk y",
      "-n 3 -f --on n1 --disk x --disk y -- a",
    ]
  ) {
    const { words, flags } = parse(line);
    deepStrictEqual(words, ["a"], line);
    strictEqual(flags.count, 3, line);
    strictEqual(flags.follow, true, line);
    deepStrictEqual(flags.disk, ["X", "Y"], line);
    strictEqual(flags.on, "n1", line);
  }
  const { flags } = parse("a");
  strictEqual(flags.count, undefined);
  strictEqual(flags.follow, false);
  deepStrictEqual(flags.disk, []);
});

Deno.test("parseCommand() takes what follows -- for words", () => {
  deepStrictEqual(parse("-- --on -f").words, ["--on", "-f"]);
});

Deno.test("parseCommand() says what is wrong, and what would be right", () => {
  const cases: [string, RegExp][] = [
    ["a --cuont 3", /Unknown flag --cuont: .*\| did you mean "--count"\?/],
    ["a -z", /Unknown flag -z: "usher vm do" does not have it \| usher vm do/],
    ["a --count", /^--count needs a value \| write --count N$/],
    ["a --count 10", /Cannot read --count: "10" is no count: .* from 1 to 9/],
    ["a --count 1 -n 2", /--count was given 2 times: .* \| leave all but one/],
    [
      "a --follow=yes",
      /--follow takes no value: "yes" was given \| write --follow alone/,
    ],
    ["", /is not complete: NAMES is missing \| write usher vm do NAMES\.\.\./],
    ["a b c", /does not know what to do with "c"/],
  ];
  for (const [line, expected] of cases) {
    strictEqual(expected.test(refused(line)), true, refused(line));
  }
});

Deno.test("parseCommand() refuses what an unset variable leaves", () => {
  throws(
    () => parseCommand("vm do", { flags: FLAGS, words: WORDS }, ["a", ""]),
    /was given an empty word/,
  );
});

Deno.test("parseCommand() lets only the words be said that there are", () => {
  const words = {
    ...NO_WORDS,
    max: 1,
    usage: "[admin-token]",
    choices: ["admin-token"],
    oneOf: "word",
  };
  deepStrictEqual(parse("admin-token", words).words, ["admin-token"]);
  strictEqual(
    refused("admn-token", words),
    'Unknown word "admn-token": usher has none of that name | ' +
      'did you mean "admin-token"? write usher vm do [admin-token]',
  );
  match(
    refused("admn-token --no-start", words),
    /^Unknown word "admn-token"/,
  );
  match(refused("admn-token b", words), /^Unknown word "admn-token"/);
  match(refused("admin-token b", words), /what to do with "b"/);
  match(refused("--no-start admn-token", words), /^Unknown flag --no-start/);
});

Deno.test("--help asks for nothing else", () => {
  strictEqual(parse("--help").help, true);
  strictEqual(parse("a b c -h").help, true);
});
