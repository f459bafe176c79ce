import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { History } from "./history.ts";

/** Runs `test` with the path of a history that is not there yet. */
async function withPath(test: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "usher_history_" });
  try {
    await test(`${folder}/state/ush_history`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function open(path: string | null, most = 100) {
  const said: string[] = [];
  const history = await History.open(path, most, (text) => said.push(text));
  return { history, said };
}

Deno.test("lines are kept between runs, for their owner alone", () =>
  withPath(async (path) => {
    const { history, said } = await open(path);
    for (const line of ["list", "list", "  ", " secret", "start 日本"]) {
      await history.add(line);
    }
    await history.add("list\nnodes");
    deepStrictEqual(said, []);
    strictEqual(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
    const { history: again } = await open(path);
    deepStrictEqual(again.lines, ["list", "start 日本", "list; nodes"]);
  }));

Deno.test("two shells at once add to one file, and neither takes the other's lines away", () =>
  withPath(async (path) => {
    const [{ history: one }, { history: two }] = [
      await open(path),
      await open(path),
    ];
    await Promise.all(
      Array.from({ length: 50 }, (_, at) => [
        one.add(`one ${at}`),
        two.add(`two ${at}`),
      ]).flat(),
    );
    const { history } = await open(path);
    strictEqual(history.lines.length, 100);
    deepStrictEqual(
      history.lines.filter((line) => line.startsWith("two")).length,
      50,
    );
  }));

Deno.test("the last hist_len lines are kept, and the file does not grow for ever", () =>
  withPath(async (path) => {
    const { history } = await open(path, 10);
    for (let at = 0; at < 25; at++) await history.add(`line ${at}`);
    deepStrictEqual(history.lines.length, 10);
    const { history: again } = await open(path, 10);
    deepStrictEqual(again.lines.at(-1), "line 24");
    strictEqual((await Deno.readTextFile(path)).split("\n").length, 11);
    const { history: none } = await open(path, 0);
    await none.add("nothing");
    deepStrictEqual(none.lines, []);
  }));

Deno.test("a damaged history is set aside and said, and a new one begins", () =>
  withPath(async (path) => {
    for (
      const bytes of [[0xff, 0xfe, 10], [108, 0, 10], [27, 91, 50, 74, 10]]
    ) {
      await Deno.mkdir(path.replace(/\/[^/]+$/, ""), { recursive: true });
      await Deno.writeFile(path, Uint8Array.from(bytes));
      const { history, said } = await open(path);
      match(said.join(), /was damaged; it lies in .*\.damaged now/);
      deepStrictEqual(history.lines, []);
      await history.add("list");
      const again = await open(path);
      deepStrictEqual([again.history.lines, again.said], [["list"], []]);
      deepStrictEqual(
        await Deno.readFile(`${path}.damaged`),
        Uint8Array.from(bytes),
      );
    }
  }));

Deno.test("a history that others could read is closed to them", () =>
  withPath(async (path) => {
    await (await open(path)).history.add("list");
    await Deno.chmod(path, 0o644);
    deepStrictEqual((await open(path)).history.lines, ["list"]);
    strictEqual(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
  }));

Deno.test("where nothing can be kept it is said once, and lines are there for this run", () =>
  withPath(async (path) => {
    // A folder in the file's place: root may write anywhere else.
    await Deno.mkdir(path, { recursive: true });
    const { history, said } = await open(path);
    match(said.join("\n"), /^cannot read the history in .*; nothing is kept/);
    await history.add("list");
    await history.add("nodes");
    deepStrictEqual(history.lines, ["list", "nodes"]);
    strictEqual(said.length, 1);
    deepStrictEqual((await open(null)).said, []);
  }));
