/**
 * What `usher vm migrate` sends.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import { lines, result, usher } from "../../../../tests/support/fake_client.ts";

Deno.test("vm migrate sends what the flags say, and no more", async () => {
  const cases: [string, Record<string, unknown>][] = [
    ["vm migrate web", { names: ["web"], args: {} }],
    [
      "vm migrate web* db --to n2 --max-downtime 100ms --bandwidth 1.5GiB/s --post-copy --no-auto-converge why=full",
      {
        names: ["web*", "db"],
        args: { why: "full" },
        to: "n2",
        maxDowntimeMs: 100,
        bandwidth: 1.5 * 1024 ** 3,
        postCopy: true,
        autoConverge: false,
      },
    ],
  ];
  for (const [line, expected] of cases) {
    let body: Record<string, unknown> = {};
    await usher(line.split(" "), (asked) => {
      body = asked.body as Record<string, unknown>;
      return lines([{ type: "result", result: result([]) }]);
    });
    const { id: _, ...rest } = body;
    deepStrictEqual(rest, { verb: "migrate", queue: true, ...expected });
  }
});
