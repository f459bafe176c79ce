/**
 * The line being typed: its characters, the cursor, what can be undone and
 * what was cut.
 *
 * It knows no key and no terminal: the editor says what to do.
 *
 * @module
 */
import { characters } from "./columns.ts";

/** The most steps that can be undone. */
const MOST_UNDO = 500;

interface State {
  readonly text: readonly string[];
  readonly cursor: number;
}

/** A line with a cursor; both are counted in characters, never inside one. */
export class Line {
  #state: State = { text: [], cursor: 0 };
  #undo: State[] = [];
  /** Typing on is one step of undo up to the next word. */
  #isTyping = false;
  /** What was cut last, for yank; further cuts without a step between add to it. */
  #cut = "";
  #isCutting = false;

  get text(): string {
    return this.#state.text.join("");
  }

  /** The characters before the cursor. */
  get before(): string {
    return this.#state.text.slice(0, this.#state.cursor).join("");
  }

  get cursor(): number {
    return this.#state.cursor;
  }

  get length(): number {
    return this.#state.text.length;
  }

  /** Another line in its place, with the cursor at its end; nothing to undo. */
  replace(text: string): void {
    const all = characters(text);
    this.#state = { text: all, cursor: all.length };
    this.#undo = [];
    this.#isTyping = this.#isCutting = false;
  }

  /** Puts `added` at the cursor; marks combine with what stands before. */
  insert(added: string, isTyped = false): void {
    if (!(isTyped && this.#isTyping) || added === " ") this.#remember();
    const { text, cursor } = this.#state;
    const before = characters(text.slice(0, cursor).join("") + added);
    const after = characters(
      before.join("") + text.slice(cursor).join(""),
    );
    this.#state = {
      text: after,
      cursor: Math.min(before.length, after.length),
    };
    this.#isTyping = isTyped;
    this.#isCutting = false;
  }

  /** Moves the cursor there, as far as the line goes. */
  moveTo(cursor: number): void {
    const { text } = this.#state;
    this.#state = {
      text,
      cursor: Math.max(0, Math.min(text.length, cursor)),
    };
    this.#isTyping = this.#isCutting = false;
  }

  /** Takes away what stands between the cursor and `to`. */
  erase(to: number): void {
    this.#take(to);
    this.#isCutting = false;
  }

  /** Takes away what stands between the cursor and `to`, to be put back by `yank()`. */
  cut(to: number): void {
    const isBackward = to < this.#state.cursor;
    const going = this.#isCutting;
    const taken = this.#take(to);
    if (!going) this.#cut = taken;
    else this.#cut = isBackward ? taken + this.#cut : this.#cut + taken;
    this.#isCutting = true;
  }

  /** Puts what was cut last at the cursor. */
  yank(): void {
    if (this.#cut !== "") this.insert(this.#cut);
  }

  /** Back to before the last step; false when there is none. */
  undo(): boolean {
    const last = this.#undo.pop();
    if (last === undefined) return false;
    this.#state = last;
    this.#isTyping = this.#isCutting = false;
    return true;
  }

  /** Exchanges the characters around the cursor. */
  transpose(): void {
    const { text, cursor } = this.#state;
    const at = Math.min(cursor, text.length - 1);
    if (at < 1) return;
    this.#remember();
    const [left = "", right = ""] = [text[at - 1], text[at]];
    this.#state = {
      text: text.toSpliced(at - 1, 2, right, left),
      cursor: at + 1,
    };
    this.#isTyping = this.#isCutting = false;
  }

  /** Changes the word after the cursor, and goes behind it. */
  changeWord(change: (word: string) => string): void {
    const { text, cursor } = this.#state;
    const end = this.wordRight();
    if (end === cursor) return;
    this.#remember();
    const word = characters(change(text.slice(cursor, end).join("")));
    this.#state = {
      text: text.toSpliced(cursor, end - cursor, ...word),
      cursor: cursor + word.length,
    };
    this.#isTyping = this.#isCutting = false;
  }

  /** Where the word before the cursor begins. */
  wordLeft(isPart: (character: string) => boolean = isOfWord): number {
    const { text } = this.#state;
    let at = this.#state.cursor;
    while (at > 0 && !isPart(text[at - 1] ?? "")) at--;
    while (at > 0 && isPart(text[at - 1] ?? "")) at--;
    return at;
  }

  /** Where the word after the cursor ends. */
  wordRight(): number {
    const { text } = this.#state;
    let at = this.#state.cursor;
    while (at < text.length && !isOfWord(text[at] ?? "")) at++;
    while (at < text.length && isOfWord(text[at] ?? "")) at++;
    return at;
  }

  #take(to: number): string {
    const { text, cursor } = this.#state;
    const from = Math.max(0, Math.min(cursor, to));
    const end = Math.min(text.length, Math.max(cursor, to));
    if (from === end) return "";
    this.#remember();
    this.#isTyping = false;
    this.#state = { text: text.toSpliced(from, end - from), cursor: from };
    return text.slice(from, end).join("");
  }

  #remember(): void {
    this.#undo.push(this.#state);
    if (this.#undo.length > MOST_UNDO) this.#undo.shift();
  }
}

/** Letters and digits, in any script: what word moves stop at the ends of. */
function isOfWord(character: string): boolean {
  return /^[\p{L}\p{N}]/u.test(character);
}

/** What Ctrl-W takes for a word: all between spaces. */
export function isNoSpace(character: string): boolean {
  return !/^\s/.test(character);
}
