/**
 * Ctrl-R: looking for a line of the history while its words are typed.
 *
 * @module
 */
import { characters } from "./columns.ts";
import type { Key } from "./keys.ts";
import type { View } from "./view.ts";

/** What a key makes of the search: `taken` when the key still has its own meaning. */
export type Searched = "goes on" | "given up" | "taken";

/** A search that goes from the newest line to the oldest. */
export class Search {
  readonly #history: readonly string[];
  /** What stood in the line before, shown until something is found. */
  readonly #line: string;
  #wanted = "";
  /** Where the line stands that was found last. */
  found: number | null = null;
  #fails = false;

  constructor(history: readonly string[], line: string) {
    this.#history = history;
    this.#line = line;
  }

  press(key: Key): Searched {
    if (key.type !== "name") {
      this.#wanted += key.text.replaceAll("\n", " ");
      this.#look(this.found ?? this.#history.length - 1);
      return "goes on";
    }
    switch (key.name) {
      case "C-r":
        this.#look((this.found ?? this.#history.length) - 1);
        return "goes on";
      case "C-s":
        this.#look((this.found ?? -1) + 1, 1);
        return "goes on";
      case "Backspace":
      case "C-h":
        this.#wanted = characters(this.#wanted).slice(0, -1).join("");
        this.found = null;
        this.#look(this.#history.length - 1);
        return "goes on";
      case "C-g":
      case "C-c":
        return "given up";
      default:
        return "taken";
    }
  }

  view(): View {
    const text = this.found === null
      ? this.#line
      : this.#history[this.found] ?? "";
    const at = this.found === null ? -1 : text.indexOf(this.#wanted);
    return {
      prompt: `(${this.#fails ? "no " : ""}history)\`${this.#wanted}': `,
      text,
      cursor: characters(text.slice(0, Math.max(0, at))).length,
    };
  }

  #look(from: number, step = -1): void {
    this.#fails = false;
    if (this.#wanted === "") return;
    for (let at = from; at >= 0 && at < this.#history.length; at += step) {
      if (!this.#history[at]?.includes(this.#wanted)) continue;
      this.found = at;
      return;
    }
    this.#fails = true;
  }
}
