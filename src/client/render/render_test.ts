import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { ERROR_CODES, type ErrorCode } from "../../schema/error_code.ts";
import { findEntry } from "../commands/index.ts";
import { age, bytes, cpu, memory, took } from "./format.ts";
import { renderError, shownProblem, splitMessage } from "./problem.ts";
import {
  type Column,
  printable,
  renderTable,
  sortRows,
  TableLayout,
} from "./table.ts";
import { widthOf } from "./width.ts";

/** `usher lnm` is a role, and a noun alone has no entry. */
const COMMAND_IN_HINT = /usher (vm|op|node|plugin|login|whoami)(?: ([a-z]+))?/g;

interface Row {
  readonly name: string;
  readonly size: number;
}
const NAME: Column<Row> = {
  key: "name",
  value: ({ name }) => name,
  shrinks: true,
};
const SIZE: Column<Row> = {
  key: "size",
  align: "right",
  value: ({ size }) => String(size),
  sort: ({ size }) => size,
};
const PLAIN = { header: true, color: false, width: Infinity };

Deno.test("renderTable() aligns columns, and ends lines without blanks", () => {
  const rows = [{ name: "a", size: 5 }, { name: "longer", size: 1000 }];
  strictEqual(
    renderTable(rows, [SIZE, NAME], PLAIN),
    "SIZE  NAME\n   5  a\n1000  longer\n",
  );
  strictEqual(
    renderTable(rows, [NAME], { ...PLAIN, header: false }),
    "a\nlonger\n",
  );
  strictEqual(renderTable([], [NAME], PLAIN), "");
});

Deno.test("renderTable() cuts what may shrink before it leaves a column out", () => {
  const rows = [{ name: "abcdefghijklmnopqrstuvwxyz", size: 12345678 }];
  const at = (width: number, isChosen = false) =>
    renderTable(rows, [NAME, SIZE], { ...PLAIN, width, isChosen });
  strictEqual(
    at(28),
    "NAME                    SIZE\nabcdefghijklmnopq…  12345678\n",
  );
  // Half a name beside a size says less than most of a name.
  strictEqual(at(20), "NAME\nabcdefghijklmnopqrs…\n");
  strictEqual(at(20, true), "NAME            SIZE\nabcdefghi…  12345678\n");
  strictEqual(at(5), "NAME\nabcd…\n");
  strictEqual(at(5, true), "…  S…\n…  1…\n");
});

const WIDE_ROW: Column<string[]>[] = [
  { key: "name", value: ([name = ""]) => name, shrinks: true },
  { key: "state", value: ([, state = ""]) => state },
  { key: "node", value: ([, , node = ""]) => node, leavesFirst: true },
  { key: "since", value: ([, , , since = ""]) => since, leavesFirst: true },
  { key: "why", value: ([, , , , why = ""]) => why, shrinks: true },
];

Deno.test("renderTable() leaves columns out in their order", () => {
  const row = ["web1.default.ann", "crashed", "n1", "4m", "out of memory"];
  const headings = (width: number) =>
    renderTable([row], WIDE_ROW, { ...PLAIN, width }).split("\n")[0]
      ?.split(/ +/);
  const all = ["NAME", "STATE", "NODE", "SINCE", "WHY"];
  deepStrictEqual(headings(80), all);
  deepStrictEqual(headings(51), ["NAME", "STATE", "NODE", "WHY"]);
  deepStrictEqual(headings(45), ["NAME", "STATE", "WHY"]);
  deepStrictEqual(headings(34), ["NAME", "STATE", "WHY"]);
  deepStrictEqual(headings(30), ["NAME", "STATE"]);
  deepStrictEqual(headings(20), ["NAME"]);
});

Deno.test("no line of a table is wider than its terminal, whatever it holds", () => {
  const cell = fc.string({ unit: "grapheme", maxLength: 30 });
  const row = fc.array(cell, { minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(
      fc.array(row, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 100 }),
      fc.boolean(),
      (rows, width, isChosen) => {
        const options = { ...PLAIN, width, isChosen };
        const text = renderTable(rows, WIDE_ROW, options);
        const lines = text.slice(0, -1).split("\n");
        return lines.length === rows.length + 1 &&
          lines.every((line) => widthOf(line) <= width);
      },
    ),
  );
});

Deno.test("a table that is drawn part by part keeps its columns and may grow", () => {
  const layout = new TableLayout([NAME, SIZE], PLAIN);
  const first = layout.draw([{ name: "a", size: 1 }]);
  strictEqual(layout.heading() + first, "NAME  SIZE\na        1\n");
  strictEqual(
    layout.draw([{ name: "longer", size: 20 }]),
    "longer    20\n",
  );
  strictEqual(layout.draw([{ name: "b", size: 3 }]), "b          3\n");
  const narrow = new TableLayout([NAME, SIZE], { ...PLAIN, width: 14 });
  narrow.draw([{ name: "a", size: 1 }]);
  deepStrictEqual(narrow.leftOut, []);
  narrow.draw([{ name: "a-name-of-many-letters", size: 1 }]);
  deepStrictEqual(narrow.leftOut, ["size"]);
  strictEqual(narrow.draw([{ name: "a", size: 1 }]), "a\n");
});

Deno.test("renderTable() lets no value command the terminal", () => {
  strictEqual(
    renderTable([{ name: "a\x1b[2J\nb", size: 1 }], [NAME], PLAIN),
    "NAME\na [2J b\n",
  );
  strictEqual(printable("x\u202ey\u0007"), "x y ");
});

Deno.test("sortRows() sorts numbers as numbers, names naturally, and stays stable", () => {
  const rows = [
    { name: "web10", size: 2 },
    { name: "web9", size: 10 },
    { name: "db", size: 2 },
  ];
  const names = (by: Parameters<typeof sortRows<Row>>[1]) =>
    sortRows(rows, by).map(({ name }) => name);
  deepStrictEqual(names([{ column: NAME, down: false }]), [
    "db",
    "web9",
    "web10",
  ]);
  deepStrictEqual(names([{ column: SIZE, down: true }]), [
    "web9",
    "web10",
    "db",
  ]);
  deepStrictEqual(
    names([{ column: SIZE, down: false }, { column: NAME, down: true }]),
    ["web10", "db", "web9"],
  );
});

Deno.test("age() and took() have one unit", () => {
  const now = Date.parse("2026-11-22T12:00:00Z");
  deepStrictEqual(
    [0, 59e3, 60e3, 7200e3, 86400e3 * 9].map((ms) =>
      age(new Date(now - ms).toISOString(), now)
    ),
    ["0s", "59s", "1m", "2h", "9d"],
  );
  strictEqual(age(null, now), "-");
  strictEqual(age(new Date(now + 5000).toISOString(), now), "0s");
  deepStrictEqual([80, 1400, 42e3, 180e3, 7.2e6].map(took), [
    "80ms",
    "1.4s",
    "42s",
    "3m",
    "2h",
  ]);
});

Deno.test("memory() and bytes() have one unit, binary", () => {
  deepStrictEqual([0, 256, 1024, 1536, 2 * 1024 ** 2].map(memory), [
    "0",
    "256M",
    "1G",
    "1.5G",
    "2T",
  ]);
  deepStrictEqual([0, 1023, 1024, 12 * 1024].map(bytes), [
    "0",
    "1023",
    "1K",
    "12K",
  ]);
  strictEqual(memory(null), "-");
});

Deno.test("cpu() shows the last minute", () => {
  strictEqual(cpu({ m1: 0.254, m5: 9, m15: 9 }), "0.25");
  strictEqual(cpu({ m1: 12.6, m5: 9, m15: 9 }), "13");
  strictEqual(cpu(null), "-");
});

Deno.test("splitMessage() cuts at the first colon outside of quotes", () => {
  deepStrictEqual(splitMessage('Cannot start "a: b": it is paused: still'), {
    what: 'Cannot start "a: b"',
    why: "it is paused: still",
  });
  deepStrictEqual(splitMessage("There is no VM"), {
    what: "There is no VM",
    why: undefined,
  });
  deepStrictEqual(splitMessage('web.yaml:2:1: unknown key "memroy"'), {
    what: 'web.yaml:2:1: unknown key "memroy"',
    why: undefined,
  });
  deepStrictEqual(splitMessage('/a b.yaml:2:1: memory: "4GB5" is no size'), {
    what: "/a b.yaml:2:1: memory",
    why: '"4GB5" is no size',
  });
});

Deno.test("shownProblem() adds what the code advises, and does not say a thing twice", () => {
  strictEqual(
    renderError(
      shownProblem({
        code: "insufficient_resources",
        detail: "Cannot place it",
        refusals: { n1: "too small" },
        hint: "n1: too small",
      }),
      false,
    ),
    "error: Cannot place it\n       n1: too small\n  try: usher node list shows what is free; ask for less, or add a node\n",
  );
  const n1 = { node: "n1", filters: ["memory" as const], why: "too small" };
  const told = shownProblem({
    code: "insufficient_resources",
    detail: "Cannot place it",
    refusals: { n1: "too small; ask for less", n2: "no" },
    refusedBy: [
      {
        filter: "memory",
        nodes: 900,
        nearest: [{ ...n1, change: "ask for less" }],
      },
      {
        filter: "reach",
        nodes: 1,
        nearest: [{ node: "n2", filters: ["reach"], why: "no", change: "" }],
      },
    ],
  });
  deepStrictEqual(told.reasons, [
    "900 nodes, by memory, such as",
    "  n1: too small; ask for less",
    "n2: no",
  ]);
  strictEqual(
    shownProblem({ code: "invalid_input", detail: "Bad: no", field: "spec.x" })
      .why,
    "spec.x: no",
  );
  strictEqual(
    shownProblem({
      code: "invalid_input",
      detail: "spec.x: no",
      field: "spec.x",
    })
      .why,
    "no",
  );
  const bare = { code: "invalid_input", detail: 'Cannot read "a=b"' } as const;
  strictEqual(shownProblem({ ...bare, field: "filter" }).why, undefined);
  strictEqual(shownProblem({ ...bare, field: "spec.x" }).why, "in spec.x");
});

Deno.test("an error of any code says what, why and what to do", () => {
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    const detail = 'Cannot start VM "web": it is \x1b[2Jso';
    const text = renderError(shownProblem({ code, detail }), false);
    const [what = "", why = "", hint = "", ...rest] = text.split("\n");
    strictEqual(what, 'error: Cannot start VM "web"', code);
    strictEqual(why, "  why: it is  [2Jso", code);
    strictEqual(/^ {2}try: \S.*[^.]$/.test(hint), true, `${code}: ${hint}`);
    deepStrictEqual(rest, [""], code);
    const own = shownProblem({ code, detail, hint: "do this" });
    strictEqual(own.hint, "do this", code);
  }
});

Deno.test("what errors advise are commands that exist", () => {
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    const { hint = "" } = shownProblem({ code, detail: "Cannot" });
    for (const [, noun = "", verb = ""] of hint.matchAll(COMMAND_IN_HINT)) {
      strictEqual(findEntry(noun, verb) !== null, true, `${code}: ${hint}`);
    }
  }
});
