import { deepStrictEqual, ok, throws } from "node:assert/strict";
import { type OwnedChild, spawnOwned } from "./owned_child.ts";
import { readProcess, signalProcess } from "./process_table.ts";

function shell(
  script: string,
  { input = "", maxLine = 100 } = {},
): { child: OwnedChild; lines: string[] } {
  const lines: string[] = [];
  const child = spawnOwned("/bin/sh", ["-c", script], {
    env: { WORD: "given" },
    input,
    maxLine,
    onLine: (stream, line) => lines.push(`${stream} ${line}`),
  });
  return { child, lines };
}

Deno.test("spawnOwned() tells its child what it is to know, and hears all it says", async () => {
  const { child, lines } = shell(
    'read -r line; echo "$line $WORD $(env | grep -c HOME)"; echo err >&2; printf end; exit 3',
    { input: "told\n" },
  );
  deepStrictEqual(await child.exited, { code: 3, signal: null });
  deepStrictEqual(lines.toSorted(), [
    "stderr err",
    "stdout end",
    "stdout told given 0",
  ]);
});

Deno.test("spawnOwned() holds the start alone of a line that does not end", async () => {
  const { child, lines } = shell(
    "head -c 300000 /dev/zero | tr '\\0' x; echo; echo next",
    { maxLine: 5 },
  );
  await child.exited;
  deepStrictEqual(lines, ["stdout xxxxx", "stdout next"]);
});

Deno.test("spawnOwned() kills its child, and does nothing once that has ended", async () => {
  const { child } = shell("sleep 60");
  child.kill();
  deepStrictEqual((await child.exited).signal, "SIGKILL");
  child.kill();
});

Deno.test("spawnOwned() tells the end of its child also when a child of that has its output, with what it said", async () => {
  const { child, lines } = shell("sleep 600 & echo $!");
  deepStrictEqual((await child.exited).code, 0);
  const left = readProcess(Number(lines[0]?.split(" ")[1]));
  ok(left !== null, "nothing was left");
  signalProcess(left, "SIGKILL");
});

Deno.test("spawnOwned() names a program that is not there", () => {
  throws(
    () =>
      spawnOwned("/nowhere/program", [], {
        env: {},
        input: "",
        maxLine: 1,
        onLine() {},
      }),
    { code: "unavailable", message: /^Cannot run \/nowhere\/program: / },
  );
});
