/**
 * `usher vm wait`: waiting for a state, whoever brings it about.
 *
 * @module
 */
import { strictEqual } from "node:assert/strict";
import {
  answer,
  lines,
  refusal,
  THEN,
  usher,
  vm,
} from "../../tests/support/fake_client.ts";

Deno.test("vm wait looks, then listens from there", async () => {
  const { code } = await usher(
    ["vm", "wait", "web", "--for", "state=stopped|crashed"],
    ({ path, query }) => {
      if (path === "/v1/vms") return answer({ revision: 7, vms: [vm("web")] });
      strictEqual(query.get("since"), "7");
      return lines([
        { type: "hello", revision: 7, reset: false },
        { type: "synced", revision: 7 },
        {
          type: "put",
          kind: "vm",
          revision: 8,
          note: "",
          at: THEN,
          value: vm("web", "stopping"),
        },
        {
          type: "put",
          kind: "vm",
          revision: 9,
          note: "",
          at: THEN,
          value: vm("web", "crashed"),
        },
      ], "open");
    },
  );
  strictEqual(code, 0);
});

Deno.test("vm wait for absent is done when there is none", async () => {
  const { code } = await usher(
    ["vm", "wait", "web", "--for", "absent"],
    () => refusal("not_found", 'There is no VM "web"'),
  );
  strictEqual(code, 0);
});
