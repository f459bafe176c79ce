/**
 * Scopes of tokens, cell by cell: what a route needs, and which token has it.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { ROUTES } from "../schema/route.ts";
import type { Route } from "../schema/route/kind.ts";
import { type TokenNeed, TokenScope } from "../schema/token_scope.ts";
import { hasVerb, reachOf, suffices, tokenNeed } from "./token_scope.ts";

const READ = TokenScope.parse({ access: "read" });
const ACT = TokenScope.parse({ access: "act" });
const START = TokenScope.parse({ access: "act", verbs: ["start"] });
const LAB = TokenScope.parse({ access: "act", vms: ["*.lab"] });
const ADMIN = TokenScope.parse({ access: "admin" });

Deno.test("suffices() says which token may call what", () => {
  const cells: [TokenNeed, boolean[]][] = [
    ["read", [true, true, true, true, true]],
    ["verb", [false, true, true, true, true]],
    ["act", [false, true, false, false, true]],
    ["admin", [false, false, false, false, true]],
    ["never", [false, false, false, false, false]],
  ];
  for (const [need, expected] of cells) {
    deepStrictEqual(
      [READ, ACT, START, LAB, ADMIN].map((scope) => suffices(scope, need)),
      expected,
      need,
    );
  }
});

Deno.test("tokenNeed() closes what changes something to tokens that are only for looking", () => {
  for (const [name, route] of Object.entries<Route>(ROUTES)) {
    if (route.access === "public" || route.method === "GET") continue;
    ok(tokenNeed(route) !== "read", name);
  }
  strictEqual(tokenNeed(ROUTES.logout), "never");
  strictEqual(tokenNeed(ROUTES.createToken), "never");
  strictEqual(tokenNeed(ROUTES.setPassword), "never");
  strictEqual(tokenNeed(ROUTES.submit), "verb");
});

Deno.test("a scope's verbs and VMs are those it names, or all", () => {
  deepStrictEqual(
    [READ, ACT, START].map((one) => [
      hasVerb(one, "start"),
      hasVerb(one, "destroy"),
      hasVerb(one, "console"),
    ]),
    [[false, false, false], [true, true, true], [true, false, false]],
  );
  const reaches = reachOf(LAB);
  deepStrictEqual(
    ["web.lab.ann", "web.lab.bob", "web.labs.ann", "lab.web.ann"].map(reaches),
    [true, true, false, false],
  );
  ok(reachOf(ACT)("any.thing.atall"));
});

Deno.test("a scope that contradicts itself is none", () => {
  for (
    const wrong of [
      { access: "read", verbs: ["start"] },
      { access: "admin", vms: ["web"] },
      { access: "act", verbs: [] },
      { access: "act", vms: ["a.b.c.d"] },
      { access: "act", vms: ["$(x)"] },
      { access: "act", verbs: ["list"] },
    ]
  ) {
    strictEqual(
      TokenScope.safeParse(wrong).success,
      false,
      JSON.stringify(wrong),
    );
  }
});
