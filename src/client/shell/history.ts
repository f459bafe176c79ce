/**
 * Lines that were entered, kept between runs.
 *
 * They are a help and never a need: whatever is wrong with the file is said
 * once, and the shell goes on with what it has in memory. A line that begins
 * with a space is not kept, as in other shells; so there is a way to keep a
 * secret out of the file.
 *
 * @module
 */
import { makeFolder, removeIfThere, renameDurably } from "../../sys/file.ts";
import {
  addLine,
  makePrivate,
  readLineFile,
  shortenLineFile,
} from "../../sys/line_file.ts";

/** The file is made shorter at so many times what is kept. */
const SLACK = 2;

/** The lines, oldest first. */
export class History {
  readonly #path: string | null;
  readonly #most: number;
  readonly #say: (text: string) => void;
  #lines: string[] = [];
  /** Whether the file can be added to, as far as is known. */
  #isKept: boolean;

  private constructor(
    path: string | null,
    most: number,
    say: (text: string) => void,
  ) {
    this.#path = path;
    this.#most = most;
    this.#say = say;
    this.#isKept = path !== null && most > 0;
  }

  /** Reads `path`; `say` gets a line for people when something is wrong with it. */
  static async open(
    path: string | null,
    most: number,
    say: (text: string) => void,
  ): Promise<History> {
    const history = new History(path, most, say);
    try {
      await history.#read();
    } catch (error) {
      history.#giveUp("read", error);
    }
    return history;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Keeps `line`, unless it is the same as the last one. */
  async add(line: string): Promise<void> {
    if (line.trim() === "" || line.startsWith(" ") || this.#most === 0) return;
    const kept = line.replace(/\s*\n\s*/g, "; ");
    if (this.#lines.at(-1) === kept) return;
    this.#lines.push(kept);
    if (this.#lines.length > this.#most) this.#lines.shift();
    if (!this.#isKept || this.#path === null) return;
    try {
      await addLine(this.#path, kept);
    } catch (error) {
      this.#giveUp("write", error);
    }
  }

  async #read(): Promise<void> {
    const path = this.#path;
    if (path === null || this.#most === 0) return;
    await makeFolder(path.slice(0, path.lastIndexOf("/")));
    const bytes = await readLineFile(path);
    if (bytes === null) return;
    await makePrivate(path);
    const text = textOf(bytes);
    if (text === null) return await this.#setAside(path);
    const lines = text.split("\n").filter((line) => line !== "");
    this.#lines = lines.slice(-this.#most);
    if (lines.length > SLACK * this.#most) {
      await shortenLineFile(
        path,
        bytes.length,
        this.#lines.map((line) => `${line}\n`).join(""),
      );
    }
  }

  async #setAside(path: string): Promise<void> {
    const aside = `${path}.damaged`;
    await removeIfThere(aside);
    await renameDurably(path, aside);
    this.#say(
      `the history in ${path} was damaged; it lies in ${aside} now, and a new one begins`,
    );
  }

  #giveUp(what: "read" | "write", error: unknown): void {
    this.#isKept = false;
    const why = error instanceof Error ? error.message : String(error);
    this.#say(
      `cannot ${what} the history in ${this.#path}: ${
        why.replace(/ \(os error \d+\).*$/s, "").toLowerCase()
      }; nothing is kept of this run`,
    );
  }
}

/** The text, or null when it holds what nobody can have entered. */
function textOf(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    // deno-lint-ignore no-control-regex -- those are what is looked for
    return /[\x00-\x08\x0b-\x1f\x7f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}
