import { strictEqual } from "node:assert/strict";
import { Editor, type Effect } from "./editor.ts";
import { KeyReader } from "./keys.ts";

/** An editor into which something was typed; `|` in what is shown is the cursor. */
function typed(
  keys: string,
  history: readonly string[] = [],
): { shown: string; effect: Effect; editor: Editor } {
  const editor = new Editor("> ");
  editor.begin(history);
  const reader = new KeyReader();
  let effect: Effect = "none";
  // A person presses one key after the other.
  for (const byte of new TextEncoder().encode(keys)) {
    reader.add(Uint8Array.of(byte));
    for (let key = reader.next(); key !== null; key = reader.next()) {
      effect = editor.press(key);
    }
  }
  return { shown: shownBy(editor), effect, editor };
}

function shownBy(editor: Editor): string {
  const { prompt, text, cursor } = editor.view();
  const all = [...new Intl.Segmenter().segment(text)].map((it) => it.segment);
  const line = [...all.slice(0, cursor), "|", ...all.slice(cursor)].join("");
  return prompt === "> " ? line : prompt + line;
}

Deno.test("the editor has the keys of emacs", () => {
  const cases: [keys: string, shown: string][] = [
    ["abc\x01x", "x|abc"],
    ["abc\x02\x02x\x05y", "axbcy|"],
    ["abc\x1b[D\x1b[D\x1b[3~", "a|c"],
    ["abc\x02\x04", "ab|"],
    ["abc\x7f\x08", "a|"],
    ["start web1 web2\x1bb\x1bb", "start |web1 web2"],
    ["start web1\x01\x1bf", "start| web1"],
    ["start web1\x1b[1;5D\x1b[1;5D\x1b[1;5C", "start| web1"],
    ["start web-1\x1b\x7f", "start web-|"],
    ["start web-1 \x17", "start |"],
    ["start web-1\x15", "|"],
    ["start web-1\x15\x19\x19", "start web-1start web-1|"],
    ["start web-1\x01\x1bf\x0b", "start|"],
    // Cuts in a row are put back as one.
    ["a b c\x17\x17\x19", "a b c|"],
    ["a b c\x01\x1bd\x1bd\x05\x19", " ca b|"],
    ["ab\x14", "ba|"],
    ["abc\x01\x06\x14", "ba|c"],
    ["web\x01\x1bu", "WEB|"],
    ["WEB\x01\x1bl", "web|"],
    // A word is undone at a time, what was cut as it was cut.
    ["start web\x1f", "start|"],
    ["start web\x17\x1f", "start web|"],
    ["start web\x1br", "|"],
    // A mark is part of its letter, an emoji one character.
    ["e\u0301x\x02\x02\x04", "|x"],
    ["e\u0301\x7f", "|"],
    ["日本\x02\x7f", "|本"],
    ["a👨‍👩‍👧b\x02\x7f", "a|b"],
    // Pasted lines are one text, and its last line's end is dropped.
    ["\x1b[200~list\nnodes\n\x1b[201~", "list\nnodes|"],
    ["\x1b[200~a\tb\x01\x1b[201~", "a\tb\x01|"],
  ];
  for (const [keys, shown] of cases) {
    strictEqual(typed(keys).shown, shown, JSON.stringify(keys));
  }
});

Deno.test("a mark that is typed behind its letter joins it", () => {
  const { editor } = typed("e");
  editor.press({ type: "text", text: "\u0301" });
  strictEqual(shownBy(editor), "e\u0301|");
  editor.press({ type: "name", name: "Backspace" });
  strictEqual(shownBy(editor), "|");
});

Deno.test("keys that the shell acts on are told, and bells rung at the ends", () => {
  const cases: [keys: string, effect: Effect][] = [
    ["list\r", "submit"],
    ["list\x03", "cancel"],
    ["\x04", "end"],
    ["li\t", "complete"],
    ["\x0c", "clear"],
    ["\x1a", "suspend"],
    ["\x7f", "bell"],
    ["\x1b[A", "bell"],
    ["a\x06", "bell"],
    ["\x1f", "bell"],
    // In the middle of a line it only erases.
    ["ab\x02\x04", "none"],
  ];
  for (const [keys, effect] of cases) {
    strictEqual(typed(keys).effect, effect, JSON.stringify(keys));
  }
});

const HISTORY = ["list", "start web1 web2", "nodes", "start db"];

Deno.test("lines of the history come back, and what was typed waits", () => {
  const cases: [keys: string, shown: string][] = [
    ["\x1b[A", "start db|"],
    ["\x10\x10\x10", "start web1 web2|"],
    ["new\x1b[A\x1b[B", "new|"],
    ["\x1b[A!\x1b[A\x1b[B", "start db!|"],
    ["new\x1b<", "list|"],
    ["new\x1b<\x1b>", "new|"],
    ["show \x1b.", "show db|"],
    ["show \x1b.\x1b.\x1b.", "show web2|"],
  ];
  for (const [keys, shown] of cases) {
    strictEqual(typed(keys, HISTORY).shown, shown, JSON.stringify(keys));
  }
});

Deno.test("Ctrl-R looks back for what is typed, and leaves the line as it was when given up", () => {
  const cases: [keys: string, shown: string][] = [
    ["\x12sta", "(history)`sta': |start db"],
    ["\x12sta\x12", "(history)`sta': |start web1 web2"],
    ["\x12web2", "(history)`web2': start web1 |web2"],
    ["\x12sta\x12\x13", "(history)`sta': |start db"],
    ["\x12stx", "(no history)`stx': |start db"],
    ["\x12stx\x7f", "(history)`st': |start db"],
    ["old\x12sta\x07", "old|"],
    ["old\x12sta\x03", "old|"],
    // Any other key takes the line that was found, and acts on it.
    ["\x12web1\x01x", "x|start web1 web2"],
    ["\x12web1\x1b[C", "start web1 web2|"],
  ];
  for (const [keys, shown] of cases) {
    strictEqual(typed(keys, HISTORY).shown, shown, JSON.stringify(keys));
  }
  strictEqual(typed("\x12web1\r", HISTORY).effect, "submit");
});
