/**
 * What `history` does not take: options that cannot be, and tables of a
 * version that it does not know.
 *
 * @module
 */
import { deepStrictEqual, match, rejects, throws } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import * as history from "../../../plugins/history/plugin.ts";
import { migrateFile } from "../../../plugins/history/sqlite_sink.ts";
import { onBench } from "../../support/plugin_bench.ts";
import { aVm } from "../../support/plugin_values.ts";

Deno.test("history: two versions of its tables are told apart", async () => {
  const folder = await Deno.makeTempDir({ prefix: "usher_history_" });
  const file = `${folder}/h.sqlite`;
  using newer = new DatabaseSync(file);
  newer.exec("pragma user_version = 99");
  await using bench = await onBench(history, { options: { file } });
  await bench.call("register", [aVm("web.lab.ann")]);
  match(
    bench.lines.map(({ text }) => text).join(),
    /h.sqlite" is of version 99, and this plugin knows 1/,
  );
  newer.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("history: a file of an older version is brought up to date as a whole, or stays as it is", () => {
  using database = new DatabaseSync(":memory:");
  const first = "create table t (a text); insert into t values ('kept')";
  const update = (versions: readonly string[]) =>
    migrateFile(database, "h", versions);
  const columns = () =>
    Object.keys(database.prepare("select * from t").get() ?? {});
  update([first]);
  const second = "alter table t add column b text";
  throws(() => update([first, second, "no sql"]), /syntax error/);
  deepStrictEqual(columns(), ["a"]);
  for (let times = 0; times < 2; times++) update([first, second]);
  deepStrictEqual(columns(), ["a", "b"]);
  throws(() => update([first]), /"h" is of version 2, and this plugin knows 1/);
});

Deno.test("history: options that cannot be are refused by name", async () => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{}, /Either file \(SQLite\) or server \(PostgreSQL\) is needed/],
    [{ file: "/h", server: "db" }, /Either file/],
    [{ file: "h.sqlite" }, /absolute path/],
    [{ server: "db" }, /must name the file that holds the password/],
    [{ file: "/h", backlog: 9000 }, /8000 at most/],
    [{ file: "/h", password: "x" }, /password/],
  ];
  for (const [options, expected] of cases) {
    await rejects(onBench(history, { options }), expected);
  }
});
