import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { UsageError } from "../usage.ts";
import { isUnfinished, openWord, quoted, readCommands } from "./words.ts";

Deno.test("readCommands() reads words as shells do, and leaves patterns alone", () => {
  const cases: [text: string, ...words: string[][]][] = [
    ["list", ["list"]],
    ["  start  web1\tweb2 ", ["start", "web1", "web2"]],
    ["show 'web*' a\\ b", ["show", "web*", "a b"]],
    [`start x text="a \\"b\\" c"`, ["start", "x", `text=a "b" c`]],
    ["start web* $HOME", ["start", "web*", "$HOME"]],
    ["list; nodes;;", ["list"], ["nodes"]],
    ["list # all\nnodes", ["list"], ["nodes"]],
    ["# nothing"],
    ["a#b", ["a#b"]],
    ["start \\\n web1", ["start", "web1"]],
    ["show ''", ["show", ""]],
    ["show 'a;b' \\;", ["show", "a;b", ";"]],
    ["", ...[]],
  ];
  for (const [text, ...words] of cases) {
    deepStrictEqual(readCommands(text).map((it) => it.words), words, text);
  }
});

Deno.test("readCommands() says on which line a command begins", () => {
  deepStrictEqual(
    readCommands("# head\n\nlist\nstart 'a\nb' c\nnodes; whoami", 10).map(
      ({ words: [first], line }) => [first, line],
    ),
    [["list", 12], ["start", 13], ["nodes", 15], ["whoami", 15]],
  );
});

Deno.test("a quote or a backslash that leads nowhere is a mistake, or the first part of more", () => {
  for (const text of ["show 'a", 'show "a', "show a\\"]) {
    throws(() => readCommands(text), UsageError, text);
    strictEqual(isUnfinished(text), true, text);
  }
  strictEqual(isUnfinished("show 'a'"), false);
});

Deno.test("openWord() finds the word that is being written", () => {
  deepStrictEqual(openWord("start we"), { words: ["start", "we"], at: 6 });
  deepStrictEqual(openWord("start "), { words: ["start", ""], at: 6 });
  deepStrictEqual(openWord("list; st"), { words: ["st"], at: 6 });
  deepStrictEqual(openWord(`show "a b`), { words: ["show", "a b"], at: 5 });
});

Deno.test("quoted() writes any word so that it is read as one", () => {
  for (const word of ["a b", "it's", 'a"b', "a\\b", "a;b", "#a", "a\tb"]) {
    deepStrictEqual(readCommands(`x ${quoted(word)}`)[0]?.words, ["x", word]);
  }
});
