/**
 * ush as a person has it: the executable by its other name, on a real
 * terminal.
 *
 * @module
 */
import { ok, strictEqual } from "node:assert/strict";
import type { CompiledSite } from "./compiled_site.ts";
import { FakeTerminal } from "./fake_terminal.ts";
import { Pty } from "./pty.ts";
import { until } from "./wait.ts";

/** Gives the executable its other name; answers the environment that finds it. */
export async function linkUsh(
  site: CompiledSite,
): Promise<{ PATH: string }> {
  await Deno.mkdir(`${site.folder}/bin`);
  await Deno.symlink(site.usher, `${site.folder}/bin/ush`);
  return { PATH: `${site.folder}/bin:${site.env["PATH"]}` };
}

/** ush, or what starts it, on a terminal of a known size, whose screen can be looked at. */
export class Ush implements AsyncDisposable {
  readonly pty: Pty;
  readonly #file: string;
  readonly #columns: number;
  readonly #env: Record<string, string>;

  constructor(
    site: CompiledSite,
    env: Record<string, string> = {},
    columns = 80,
    command = "ush",
  ) {
    this.#file = `${site.folder}/tty-${crypto.randomUUID()}`;
    this.#columns = columns;
    this.#env = { ...site.env, ...env };
    this.pty = new Pty(
      `sh -c 'stty cols ${columns} rows 24; tty > ${this.#file}; exec ${command}'`,
      this.#env,
    );
  }

  /** The lines of the screen. */
  get screen(): string[] {
    const terminal = new FakeTerminal(this.#columns, 24);
    terminal.write(this.pty.printed);
    return terminal.lines();
  }

  async untilConnected(): Promise<void> {
    await this.pty.untilShown(/connected to https/);
  }

  /** Types, and waits until the line is `expected`, notices above it. */
  async untilLine(expected: string): Promise<void> {
    await until(
      `the line is "${expected}"`,
      () => this.screen.at(-1) === expected,
      { deadlineMs: 60_000 },
    ).catch((error) => {
      throw new Error(`${error.message}; it is:\n${this.screen.join("\n")}`);
    });
  }

  /** Makes the window another size, as a person with a mouse does. */
  async resize(columns: number): Promise<void> {
    const tty = (await Deno.readTextFile(this.#file)).trim();
    const { success } = await new Deno.Command("stty", {
      args: ["-F", tty, "cols", `${columns}`, "rows", "24"],
    }).output();
    ok(success);
  }

  async quit(): Promise<void> {
    await this.pty.type("\x04");
    strictEqual(await this.pty.ended(), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pty[Symbol.asyncDispose]();
  }
}
