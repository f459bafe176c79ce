/**
 * What each key does to the line: the keys of emacs, as readline has them.
 *
 * It draws nothing and waits for nothing. `press()` changes the line and
 * answers what is left for the shell to do; `view()` says what stands there.
 *
 * @module
 */
import { characters } from "./columns.ts";
import type { Key } from "./keys.ts";
import { isNoSpace, Line } from "./line.ts";
import { Search } from "./search.ts";
import type { View } from "./view.ts";

/** What the person sees before the line. */
export const PROMPT = "ush> ";

/** What a key leaves to do besides drawing. */
export type Effect =
  | "none"
  | "submit"
  | "cancel"
  | "end"
  | "complete"
  | "clear"
  | "suspend"
  | "bell";

/** The editor of one line after the other. */
export class Editor {
  readonly #prompt: string;
  readonly #line = new Line();
  #history: readonly string[] = [];
  /** Where in the history the line stands; its length for the new line. */
  #at = 0;
  /** What was made of lines of the history, until the line is sent. */
  readonly #edited = new Map<number, string>();
  #search: Search | null = null;
  /** How long the word is that M-. put there last, to put another in its place. */
  #lastArgument: { readonly at: number; readonly length: number } | null = null;

  constructor(prompt: string) {
    this.#prompt = prompt;
  }

  /** The text of the line. */
  get text(): string {
    return this.#line.text;
  }

  /** The text before the cursor, which the completion looks at. */
  get before(): string {
    return this.#line.before;
  }

  /** A new, empty line; `history` holds what can be gone back to, oldest first. */
  begin(history: readonly string[]): void {
    this.#history = history;
    this.#at = history.length;
    this.#edited.clear();
    this.#search = null;
    this.#line.replace("");
  }

  view(): View {
    if (this.#search !== null) return this.#search.view();
    return {
      prompt: this.#prompt,
      text: this.#line.text,
      cursor: this.#line.cursor,
    };
  }

  /** Puts `text` in place of the last `length` UTF-16 units before the cursor. */
  completeWith(length: number, text: string): void {
    const kept = this.#line.before.slice(0, this.#line.before.length - length);
    if (length > 0) this.#line.erase(characters(kept).length);
    this.#line.insert(text);
  }

  press(key: Key): Effect {
    if (this.#search !== null) {
      const ended = this.#search.press(key);
      if (ended === "goes on") return "none";
      const { found } = this.#search;
      this.#search = null;
      if (ended === "given up") return "none";
      if (found !== null) this.#goTo(found);
    }
    const isAgain = key.type === "name" && key.name === "M-.";
    if (!isAgain) this.#lastArgument = null;
    if (key.type === "name") return this.#name(key.name);
    this.#line.insert(
      key.type === "paste" ? key.text.replace(/\n+$/, "") : key.text,
      key.type === "text",
    );
    return "none";
  }

  #name(name: string): Effect {
    const line = this.#line;
    switch (name) {
      case "Enter":
      case "C-o":
        return "submit";
      case "Tab":
        return "complete";
      case "C-c":
        return "cancel";
      case "C-l":
        return "clear";
      case "C-z":
        return "suspend";
      case "C-d":
        if (line.length === 0) return "end";
        return this.#erase(line.cursor + 1);
      case "C-r":
      case "C-s":
        this.#search = new Search(this.#history, line.text);
        return "none";
      default:
        return this.#move(name) ?? this.#change(name) ?? this.#recall(name) ??
          "none";
    }
  }

  #move(name: string): Effect | null {
    const line = this.#line;
    switch (name) {
      case "C-a":
      case "Home":
        return this.#moveTo(0);
      case "C-e":
      case "End":
        return this.#moveTo(line.length);
      case "C-b":
      case "Left":
        return this.#moveTo(line.cursor - 1);
      case "C-f":
      case "Right":
        return this.#moveTo(line.cursor + 1);
      case "M-b":
      case "C-Left":
        return this.#moveTo(line.wordLeft());
      case "M-f":
      case "C-Right":
        return this.#moveTo(line.wordRight());
      default:
        return null;
    }
  }

  #moveTo(at: number): Effect {
    if (at < 0 || at > this.#line.length) return "bell";
    this.#line.moveTo(at);
    return "none";
  }

  #erase(to: number): Effect {
    if (to < 0 || to > this.#line.length) return "bell";
    this.#line.erase(to);
    return "none";
  }

  #cut(to: number): Effect {
    this.#line.cut(to);
    return "none";
  }

  #change(name: string): Effect | null {
    const line = this.#line;
    switch (name) {
      case "Backspace":
      case "C-h":
        return this.#erase(line.cursor - 1);
      case "Delete":
        return this.#erase(line.cursor + 1);
      case "C-k":
        return this.#cut(line.length);
      case "C-u":
        return this.#cut(0);
      case "C-w":
        return this.#cut(line.wordLeft(isNoSpace));
      case "M-\x7f":
      case "M-Backspace":
      case "M-C-h":
        return this.#cut(line.wordLeft());
      case "M-d":
      case "C-Delete":
        return this.#cut(line.wordRight());
      case "C-y":
        line.yank();
        return "none";
      case "C-t":
        line.transpose();
        return "none";
      case "C-_":
      case "C-\x7f":
        return line.undo() ? "none" : "bell";
      case "M-r":
        while (line.undo());
        return "none";
      case "M-u":
        line.changeWord((word) => word.toUpperCase());
        return "none";
      case "M-l":
        line.changeWord((word) => word.toLowerCase());
        return "none";
      default:
        return null;
    }
  }

  #recall(name: string): Effect | null {
    switch (name) {
      case "Up":
      case "C-p":
        return this.#goTo(this.#at - 1);
      case "Down":
      case "C-n":
        return this.#goTo(this.#at + 1);
      case "M-<":
        return this.#goTo(0);
      case "M->":
        return this.#goTo(this.#history.length);
      case "M-.":
        return this.#putLastArgument();
      default:
        return null;
    }
  }

  /** Shows a line of the history; what was typed here waits where it stands. */
  #goTo(at: number): Effect {
    if (at < 0 || at > this.#history.length) return "bell";
    if (at === this.#at) return "none";
    this.#edited.set(this.#at, this.#line.text);
    this.#at = at;
    this.#line.replace(this.#edited.get(at) ?? this.#history[at] ?? "");
    return "none";
  }

  /** The last word of the line before; again for the one before that. */
  #putLastArgument(): Effect {
    const last = this.#lastArgument;
    let at = last === null ? this.#history.length - 1 : last.at - 1;
    while (at >= 0 && this.#history[at]?.trim() === "") at--;
    const word = this.#history[at]?.trim().split(/\s+/).at(-1);
    if (word === undefined) return "bell";
    if (last !== null) this.#line.erase(this.#line.cursor - last.length);
    this.#line.insert(word);
    this.#lastArgument = { at, length: characters(word).length };
    return "none";
  }
}
