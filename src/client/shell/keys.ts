/**
 * From the bytes of a terminal to keys.
 *
 * A key may come in several reads, and several keys in one; what is not whole
 * yet is kept. A pasted text comes as one key (bracketed paste), so nothing
 * in it is taken for a command. An escape by itself is a prefix, as in
 * readline, since nothing but a timer could tell it from one.
 *
 * @module
 */

/** A key: text that was typed or pasted, or a name such as `C-a`, `M-f`, `Left`. */
export type Key =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "paste"; readonly text: string }
  | { readonly type: "name"; readonly name: string };

const ESC = "\x1b";
const PASTE_BEGINS = "\x1b[200~";
const PASTE_ENDS = "\x1b[201~";

/** Final letters of CSI and SS3 sequences. */
const LETTERS: Readonly<Record<string, string>> = {
  A: "Up",
  B: "Down",
  C: "Right",
  D: "Left",
  F: "End",
  H: "Home",
  Z: "BackTab",
};
/** Numbers before a `~`. */
const NUMBERS: Readonly<Record<string, string>> = {
  1: "Home",
  3: "Delete",
  4: "End",
  5: "PageUp",
  6: "PageDown",
  7: "Home",
  8: "End",
};

/** Takes bytes, gives keys one after the other. */
export class KeyReader {
  readonly #decoder = new TextDecoder();
  #text = "";

  /** Takes what the terminal sent. */
  add(bytes: Uint8Array): void {
    this.#text += this.#decoder.decode(bytes, { stream: true });
  }

  /** The next key; null when its end has not come yet. */
  next(): Key | null {
    while (this.#text !== "") {
      const taken = takeKey(this.#text);
      if (taken === null) return null;
      this.#text = this.#text.slice(taken.length);
      if (taken.key !== null) return taken.key;
    }
    return null;
  }

  /** Gives back what was not taken: keys typed ahead are the next reader's. */
  rest(): Uint8Array {
    const rest = this.#text;
    this.#text = "";
    return new TextEncoder().encode(rest);
  }
}

interface Taken {
  /** Null for a sequence that means nothing here. */
  readonly key: Key | null;
  readonly length: number;
}

/** The key at the start of `text`; null when its end has not come yet. */
function takeKey(text: string): Taken | null {
  if (!text.startsWith(ESC)) return takePlain(text);
  if (text.startsWith(PASTE_BEGINS)) return takePaste(text);
  const second = text[1];
  if (second === undefined) return null;
  if (second === "[" || second === "O") return takeSequence(text);
  const plain = takePlain(text.slice(1));
  // An escape twice: the first one meant nothing.
  if (plain === null) return { key: null, length: 1 };
  const { key, length } = plain;
  const name = key?.type === "name" ? key.name : text[1];
  return { key: { type: "name", name: `M-${name}` }, length: length + 1 };
}

function takePlain(text: string): Taken | null {
  // deno-lint-ignore no-control-regex -- those are keys of their own
  const [run] = /^[^\x00-\x1f\x7f]+/.exec(text) ?? [];
  if (run !== undefined) {
    return { key: { type: "text", text: run }, length: run.length };
  }
  const code = text.charCodeAt(0);
  if (code === 0x1b) return null;
  return { key: { type: "name", name: controlName(code) }, length: 1 };
}

function controlName(code: number): string {
  switch (code) {
    case 0x09:
      return "Tab";
    case 0x0a:
    case 0x0d:
      return "Enter";
    case 0x7f:
      return "Backspace";
    default:
      return `C-${String.fromCharCode(code + 96)}`;
  }
}

function takePaste(text: string): Taken | null {
  const end = text.indexOf(PASTE_ENDS);
  if (end < 0) return null;
  const pasted = text.slice(PASTE_BEGINS.length, end)
    .replace(/\r\n?/g, "\n");
  return {
    key: { type: "paste", text: pasted },
    length: end + PASTE_ENDS.length,
  };
}

function takeSequence(text: string): Taken | null {
  const [whole, given = "", final = ""] =
    // deno-lint-ignore no-control-regex -- an escape sequence begins with ESC
    /^\x1b(?:\[|O)([0-9;?<>=]*)([@-~])/.exec(text) ?? [];
  if (whole === undefined) {
    // Nothing that can still become a sequence: not a key of ours.
    const isOpen = /^[0-9;?<>=]*$/.test(text.slice(2));
    return isOpen ? null : { key: null, length: 2 };
  }
  const [number = "", modifier = ""] = given.split(";");
  const name = final === "~" ? NUMBERS[number] : LETTERS[final];
  if (name === undefined) return { key: null, length: whole.length };
  return {
    key: { type: "name", name: modifierName(modifier) + name },
    length: whole.length,
  };
}

/** As xterm numbers them: 3 is Alt, 5 is Control; both move by words. */
function modifierName(modifier: string): string {
  return ["3", "5", "7"].includes(modifier) ? "C-" : "";
}
