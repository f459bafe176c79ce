/**
 * A program on a terminal of its own, whose bytes nothing changes.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { openTerminalChild, type TerminalChild } from "./terminal_child.ts";

/** What it says, to its end or until there are `count` bytes. */
async function hear(child: TerminalChild, count = Infinity): Promise<number[]> {
  const heard: number[] = [];
  const buffer = new Uint8Array(1024);
  while (heard.length < count) {
    const read = await child.read(buffer);
    if (read === null) break;
    heard.push(...buffer.subarray(0, read));
  }
  return heard;
}

Deno.test("openTerminalChild() gives a program a terminal, and words that no shell reads", async () => {
  const words = ['a b"$(id)`', "'", "$HOME", { byte: 0xff }];
  const child = openTerminalChild("sh", [
    ...["-c", 'test -t 0 && test -t 1 && printf "%s|" "$@"', "sh"],
    ...words,
  ]);
  const heard = await hear(child);
  const expected = new TextEncoder().encode(`a b"$(id)\`|'|$HOME|`);
  deepStrictEqual(heard, [...expected, 0xff, 0x7c]);
  await child.ended;
  child.close();
});

Deno.test("openTerminalChild() passes every byte on as it is, both ways", async () => {
  const child = openTerminalChild("sh", ["-c", "printf ready; exec cat"]);
  // Ctrl-C, Ctrl-D, Ctrl-Z, line ends, what is no UTF-8.
  const bytes = [3, 4, 26, 10, 13, 0x1d, 0xfe, 0x41];
  // Before that the terminal still does what terminals do.
  strictEqual((await hear(child, 5)).length, 5);
  await child.writeAll(new Uint8Array(bytes));
  deepStrictEqual(await hear(child, bytes.length), bytes);
  child.close();
  await child.ended;
});
