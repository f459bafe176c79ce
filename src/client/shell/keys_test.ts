import { deepStrictEqual } from "node:assert/strict";
import { type Key, KeyReader } from "./keys.ts";

const encoder = new TextEncoder();

/** The keys of what is read in these parts. */
function keysOf(...parts: (string | Uint8Array)[]): string[] {
  const reader = new KeyReader();
  const keys: Key[] = [];
  for (const part of parts) {
    reader.add(typeof part === "string" ? encoder.encode(part) : part);
    for (let key = reader.next(); key !== null; key = reader.next()) {
      keys.push(key);
    }
  }
  return keys.map((key) =>
    key.type === "name" ? key.name : `${key.type}:${key.text}`
  );
}

Deno.test("KeyReader knows keys by the names that emacs gives them", () => {
  const cases: [string, string[]][] = [
    ["start web", ["text:start web"]],
    ["a\x01\x05\x12", ["text:a", "C-a", "C-e", "C-r"]],
    ["\r\n\t\x7f\x08", ["Enter", "Enter", "Tab", "Backspace", "C-h"]],
    ["\x1b[A\x1bOB\x1b[C\x1b[D", ["Up", "Down", "Right", "Left"]],
    ["\x1b[1;5C\x1b[1;3D", ["C-Right", "C-Left"]],
    ["\x1b[1~\x1b[4~\x1b[3~\x1b[H", ["Home", "End", "Delete", "Home"]],
    ["\x1bf\x1bb\x1b\x7f\x1b.", ["M-f", "M-b", "M-Backspace", "M-."]],
    // What means nothing here takes nothing else with it.
    ["\x1b[24~x\x1b[?1;2cy", ["text:x", "text:y"]],
    ["\x1b\x1b[A", ["Up"]],
    ["日本", ["text:日本"]],
  ];
  for (const [typed, keys] of cases) {
    deepStrictEqual(keysOf(typed), keys, JSON.stringify(typed));
  }
});

Deno.test("KeyReader waits for the rest of a key, wherever it is cut", () => {
  const typed = encoder.encode("é日\x1b[1;5C\x1bf\x1b[200~a\rb\x1b[201~z");
  const whole = ["C-Right", "M-f", "paste:a\nb", "text:z"];
  for (let cut = 1; cut < typed.length; cut++) {
    const keys = keysOf(typed.subarray(0, cut), typed.subarray(cut));
    const text = keys.filter((key) => key.startsWith("text:"))
      .map((key) => key.slice(5)).join("");
    deepStrictEqual(text, "é日z", `cut at ${cut}`);
    deepStrictEqual(
      keys.filter((key) => !/^text:[é日]/.test(key)),
      whole,
      `cut at ${cut}`,
    );
  }
});

Deno.test("KeyReader gives back what was typed ahead, byte for byte", () => {
  const reader = new KeyReader();
  reader.add(encoder.encode("a\rhello\x1b[A"));
  deepStrictEqual(reader.next(), { type: "text", text: "a" });
  deepStrictEqual(reader.next(), { type: "name", name: "Enter" });
  deepStrictEqual(
    new TextDecoder().decode(reader.rest()),
    "hello\x1b[A",
  );
  deepStrictEqual(reader.next(), null);
});
