import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { answer, lines, THEN, usher } from "../../tests/support/fake_client.ts";

const DRAIN = {
  ...{ v: 1, id: "01m8cdwqj5y10fd4bmcayxzryk", verb: "drain", node: "n1" },
  ...{ user: "ann", state: "succeeded", total: 3, moved: 3, failed: 0 },
  ...{ options: { parallel: 1, migrate: {} }, problem: null, trail: [] },
  ...{ createdAt: THEN, endedAt: THEN, revision: 7 },
};

Deno.test("a controller that goes as the drain ends is asked again what came of it", async () => {
  const asked: string[] = [];
  let cuts = 2;
  const { code, err } = await usher(
    ["node", "drain", "n1"],
    ({ method, path }) => {
      if (method === "POST") {
        return answer({ ...DRAIN, endedAt: null, outcomes: [] });
      }
      if (path.startsWith("/v1/watch")) {
        return lines([
          { type: "hello", revision: 6 },
          {
            ...{ type: "put", kind: "node-operation", id: DRAIN.id },
            ...{ revision: 7, value: DRAIN },
          },
        ], "open");
      }
      asked.push(path);
      if (cuts-- > 0) throw new TypeError("connection reset by peer");
      return answer({ ...DRAIN, outcomes: [] });
    },
  );
  strictEqual(code, 0, err);
  match(err, /n1 is empty: 3 VM\(s\) moved\n$/);
  deepStrictEqual(asked, Array(3).fill(`/v1/node-operations/${DRAIN.id}`));
});
