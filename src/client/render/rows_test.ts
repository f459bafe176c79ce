import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  FakeIo,
  lines,
  listed,
  usher,
  vm,
} from "../../../tests/support/fake_client.ts";
import { parse } from "yaml";
import { EXIT } from "../exit.ts";
import { inParts, rowPrinter } from "./rows.ts";
import type { Column } from "./table.ts";

interface Row {
  readonly name: string;
}
const NAME: Column<Row> = { key: "name", value: ({ name }) => name };
const FORM = {
  columns: [NAME],
  table: { header: true, color: false, width: Infinity },
  name: ({ name }: Row) => name,
} as const;

async function printed(
  format: "table" | "json" | "ndjson" | "yaml" | "name",
  parts: readonly (readonly Row[])[],
): Promise<string> {
  const printer = rowPrinter<Row>({ ...FORM, format });
  let text = "";
  for (const part of parts) text += await printer.part(part);
  return text + printer.end();
}

Deno.test("rows in parts read as the whole list does", async () => {
  const rows = [{ name: "a" }, { name: "b\n" }, { name: "c" }];
  const [a, b, c] = rows as [Row, Row, Row];
  for (const parts of [[], [rows], [[a], [b, c]], [[a], [b], [c]]]) {
    const all = parts.flat();
    strictEqual(
      await printed("json", parts),
      `${JSON.stringify(all, null, 2)}\n`,
    );
    deepStrictEqual(parse(await printed("yaml", parts)), all);
    strictEqual(
      await printed("ndjson", parts),
      all.map((row) => `${JSON.stringify(row)}\n`).join(""),
    );
  }
  strictEqual(await printed("table", [[a], [c]]), "NAME\na\nc\n");
  strictEqual(await printed("name", [[a], [c]]), "a\nc\n");
});

Deno.test("inParts() has enough first rows to see how wide they are, and then what comes together", async () => {
  async function* parts(sizes: readonly number[]) {
    for (const size of sizes) yield await Promise.resolve(Array(size).fill(0));
  }
  const sizes = async (...given: number[]) => {
    const found: number[] = [];
    for await (const part of inParts(parts(given))) found.push(part.length);
    return found;
  };
  deepStrictEqual(await sizes(), []);
  deepStrictEqual(await sizes(5), [5]);
  deepStrictEqual(await sizes(100, 100), [200]);
  deepStrictEqual(await sizes(200, 200, 30, 7), [400, 30, 7]);
});

/** An output that keeps each write, and whose reader may leave after one. */
function recording(leaves: boolean): { io: FakeIo; writes: string[] } {
  const io = new FakeIo();
  const writes: string[] = [];
  Object.defineProperty(io, "stdout", {
    value: {
      ...io.stdout,
      write(text: string) {
        if (leaves && writes.length > 0) {
          throw Object.assign(new Error("Broken pipe"), { name: "BrokenPipe" });
        }
        writes.push(text);
      },
    },
  });
  return { io, writes };
}

const MANY = Array.from({ length: 10_000 }, (_, i) => vm(`web${i}`));

Deno.test("10,000 VMs are printed as they come, in their order, and all of them", async () => {
  const { io, writes } = recording(false);
  strictEqual((await usher(["vm", "list"], listed(MANY), io)).code, EXIT.done);
  ok(writes.length > 5, `${writes.length} writes`);
  const names = writes.join("").trimEnd().split("\n").slice(1)
    .map((line) => line.split(" ")[0]);
  deepStrictEqual(names, MANY.map(({ name }) => name));
});

Deno.test("a reader that leaves a long list half-way ends it quietly", async () => {
  const { io, writes } = recording(true);
  const { code } = await usher(["vm", "list"], listed(MANY), io);
  strictEqual(code, EXIT.done);
  strictEqual(writes.length, 1);
  strictEqual(io.err, "");
});

Deno.test("a list that is cut half-way is no short list", async () => {
  const { code, err } = await usher(
    ["vm", "list"],
    () => lines(MANY.slice(0, 300), "cut"),
  );
  strictEqual(code, EXIT.failed);
  match(err, /Lost the connection to https:\/\/ctrl:8440 within a list\n/);
  match(err, /try: the list is not whole/);
});

Deno.test("a list fits a terminal of 20 columns, and -o wide says what had no room", async () => {
  for (const env of [{}, { TERM: "dumb" }, { NO_COLOR: "1" }]) {
    const narrow = { terminal: true, columns: 20, env };
    const { out } = await usher(["vm", "list"], listed([vm("web1")]), narrow);
    for (const line of out.split("\n")) {
      // deno-lint-ignore no-control-regex -- colours take no column
      ok(line.replace(/\x1b\[\d+m/g, "").length <= 20, line);
    }
    strictEqual(out.includes("\x1b"), Object.keys(env).length === 0);
  }
  const wide = { terminal: true, columns: 60 };
  const { out, err } = await usher(
    ["vm", "list", "-o", "wide"],
    listed([vm("web1")]),
    wide,
  );
  match(out, /^.*NAME +STATE +NODE/);
  match(err, /^no room for .*net-rx.*: name columns with --columns/);
});
