/**
 * No secret that any route takes gets into the audit log.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { z } from "zod";
import { ROUTES } from "../../schema/route.ts";
import { keptArgs } from "./redact.ts";

Deno.test("secrets are left out by the names of their fields, wherever they stand", () => {
  deepStrictEqual(
    keptArgs({
      names: ["web"],
      user: "ann",
      password: "p",
      deep: [{ newPassword: "p", joinSecret: "s", token: "t", keep: 1 }],
      spec: {},
    }),
    {
      user: "ann",
      password: "(secret)",
      deep: [{
        newPassword: "(secret)",
        joinSecret: "(secret)",
        token: "(secret)",
        keep: 1,
      }],
    },
  );
  deepStrictEqual(keptArgs({ names: ["web"] }), undefined);
  deepStrictEqual(keptArgs([1]), undefined);
});

Deno.test("what is too long is kept as what proves it", () => {
  const args = keptArgs({ text: "x".repeat(5000) });
  deepStrictEqual(Object.keys(args ?? {}), ["characters", "sha256"]);
});

Deno.test("every field of every route that says it is secret is one that is left out", () => {
  for (const [name, route] of Object.entries(ROUTES)) {
    if (!("request" in route)) continue;
    const text = JSON.stringify(
      z.toJSONSchema(route.request, { io: "input", unrepresentable: "any" }),
    );
    const fields = [...text.matchAll(/"(\w*[pP]assw\w*|\w*[sS]ecret\w*)":\{/g)];
    for (const [, field = ""] of fields) {
      ok(
        !JSON.stringify(keptArgs({ [field]: "hush" })).includes("hush"),
        `${name}: ${field}`,
      );
    }
  }
});
