import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { FakeTerminal } from "../../../tests/support/fake_terminal.ts";
import { layOut, rowsAbove, Screen, within } from "./screen.ts";

function view(text: string, cursor = [...text].length) {
  return { prompt: "> ", text, cursor };
}

Deno.test("layOut() breaks rows where the terminal would, and knows where the cursor is", () => {
  const cases: [
    text: string,
    cursor: number,
    rows: string[],
    at: [row: number, column: number],
  ][] = [
    ["", 0, ["> "], [0, 2]],
    ["abc", 1, ["> abc"], [0, 3]],
    // Behind the last column is before the first of the next row.
    ["abcdefgh", 8, ["> abcdefgh", ""], [1, 0]],
    ["abcdefghi", 8, ["> abcdefgh", "i"], [1, 0]],
    // A wide character does not hang over the edge.
    ["abcdefg日", 8, ["> abcdefg", "日"], [1, 2]],
    ["abcdefg日", 7, ["> abcdefg", "日"], [0, 9]],
    ["e\u0301x", 1, ["> e\u0301x"], [0, 3]],
    ["a\nb", 3, ["> a^Jb"], [0, 6]],
    ["a\x1bb", 3, ["> a^[b"], [0, 6]],
  ];
  for (const [text, cursor, rows, at] of cases) {
    const layout = layOut(view(text, cursor), 10);
    deepStrictEqual(layout.rows, rows, JSON.stringify(text));
    deepStrictEqual(
      [layout.cursorRow, layout.cursorColumn],
      at,
      JSON.stringify(text),
    );
  }
});

Deno.test("within() shows the rows around the cursor of a line that is higher than the window", () => {
  const text = "0123456789".repeat(10);
  const top = within(layOut(view(text, 3), 10), 4);
  strictEqual(top.rows.length, 4);
  strictEqual(top.cursorRow, 0);
  const bottom = within(layOut(view(text, 100), 10), 4);
  strictEqual(bottom.rows.length, 4);
  strictEqual(bottom.cursorRow, 3);
});

Deno.test("rowsAbove() counts what a narrower window has broken", () => {
  const layout = layOut(view("0123456789012345678901"), 20);
  strictEqual(rowsAbove(layout, 20), 1);
  strictEqual(rowsAbove(layout, 10), 2);
  // A wide character is not broken: 日 goes over whole, and the rest with it.
  const wide = layOut(view("abcdefg日日bcdefghi"), 20);
  strictEqual(rowsAbove(wide, 10), 3);
  strictEqual(rowsAbove(layout, 40), 1);
});

Deno.test("the screen shows the line where it was, whatever its length", () => {
  const terminal = new FakeTerminal(10, 8);
  const screen = new Screen(terminal);
  let text = "";
  for (const letter of "abcdefghijklmnopqrstuvw") {
    text += letter;
    screen.draw(view(text));
  }
  deepStrictEqual(terminal.lines(), ["> abcdefgh", "ijklmnopqr", "stuvw"]);
  deepStrictEqual(terminal.cursor, { row: 2, column: 5 });
  screen.draw(view(text, 1));
  deepStrictEqual(terminal.cursor, { row: 0, column: 3 });
  screen.draw(view("x"));
  deepStrictEqual(terminal.lines(), ["> x"]);
  screen.leave();
  deepStrictEqual(terminal.cursor, { row: 1, column: 0 });
});

Deno.test("what is printed while a line is typed stands above it", () => {
  const terminal = new FakeTerminal(10, 6);
  const screen = new Screen(terminal);
  const long = view("abcdefghijkl", 3);
  screen.draw(long);
  screen.above("web1 on\n", long);
  screen.above("a line that is long\n", long);
  deepStrictEqual(terminal.lines(), [
    "web1 on",
    "a line tha",
    "t is long",
    "> abcdefgh",
    "ijkl",
  ]);
  deepStrictEqual(terminal.cursor, { row: 3, column: 5 });
  // And at the foot of the terminal, where all goes up.
  screen.above("one\ntwo\n", long);
  deepStrictEqual(terminal.lines().slice(-4), [
    "one",
    "two",
    "> abcdefgh",
    "ijkl",
  ]);
});

Deno.test("the line stays whole in a window that becomes narrower and wider", () => {
  const terminal = new FakeTerminal(20, 8);
  const screen = new Screen(terminal);
  const line = view("abcdefghijklmnopqrstuvwxyz");
  screen.draw(line);
  for (const width of [9, 5, 13, 40]) {
    terminal.resize(width);
    screen.draw(line);
    const shown = terminal.lines();
    strictEqual(shown.join(""), `> ${line.text}`, `${width}: ${shown}`);
  }
});
