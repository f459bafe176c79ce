/**
 * The OpenAPI document as a whole: what it refers to is there, and every
 * route is in it as it is served.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { openapi } from "./openapi.ts";
import { type Route, ROUTES } from "./route.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Described = { [key: string]: Json };

// As a client gets it.
const DOCUMENT: Described = JSON.parse(JSON.stringify(openapi("1.2.3")));

function at(pointer: string): Json | undefined {
  let value: Json | undefined = DOCUMENT;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    value = (value as Described | undefined)?.[key];
  }
  return value;
}

function* walk(value: Json, path = "#"): Generator<[string, Described]> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield [path, value];
  for (const [key, its] of Object.entries(value)) {
    yield* walk(its as Json, `${path}/${key}`);
  }
}

function described({ path, method }: Route): Described {
  const paths = DOCUMENT.paths as Described;
  return (paths[path] as Described)[method.toLowerCase()] as Described;
}

Deno.test("openapi(): every $ref leads to something in the document", () => {
  for (const [path, { $ref }] of walk(DOCUMENT)) {
    if ($ref === undefined) continue;
    ok(typeof $ref === "string" && $ref.startsWith("#/"), `${path}: ${$ref}`);
    ok(at($ref) !== undefined, `${path}: ${$ref} leads nowhere`);
  }
});

Deno.test("openapi(): every route is there, once, under its name, and nothing else", () => {
  const found = Object.entries(DOCUMENT.paths as Described).flatMap((
    [path, methods],
  ) =>
    Object.entries(methods as Described).map(([method, its]) => [
      (its as Described).operationId,
      method.toUpperCase(),
      path,
    ])
  );
  deepStrictEqual(
    found.toSorted(),
    Object.entries(ROUTES).map(([name, { method, path }]) => [
      name,
      method,
      path,
    ]).toSorted(),
  );
});

Deno.test("openapi(): parameters, bodies, answers and logins are those of the routes", () => {
  for (const [name, route] of Object.entries(ROUTES) as [string, Route][]) {
    const its = described(route);
    const parameters = its.parameters as Described[];
    const named = (place: string) =>
      parameters.filter((one) => one.in === place).map((one) => one.name);
    deepStrictEqual(
      named("path"),
      [...route.path.matchAll(/\{(\w+)\}/g)].map(([, key]) => key),
      name,
    );
    deepStrictEqual(named("query"), Object.keys(route.query ?? {}), name);
    strictEqual(
      its.requestBody !== undefined,
      route.request !== undefined,
      name,
    );
    strictEqual(
      (its.security as Json[]).length > 0,
      route.access !== "public",
      name,
    );
    const responses = its.responses as Described;
    ok(responses.default !== undefined, name);
    strictEqual(
      responses[route.stream === "websocket" ? "101" : "200"] !== undefined,
      true,
      name,
    );
  }
});

Deno.test("openapi(): a request is described with what its parser asks for", () => {
  const { schemas } = DOCUMENT.components as Described;
  const text = JSON.stringify(schemas);
  const body = JSON.stringify(described(ROUTES.submit).requestBody);
  ok(body.includes("#/components/schemas/VmRequest"));
  for (const verb of ["start", "poweroff", "destroy"]) {
    ok(text.includes(`"const":"${verb}"`), verb);
  }
  ok(text.includes('"maxItems":10000'));
  ok(text.includes('"additionalProperties":false'));
});

Deno.test("openapi(): what may be answered as one value or as a stream says both", () => {
  const contentOf = (route: Route) => {
    const responses = described(route).responses as Described;
    return Object.keys((responses["200"] as Described).content as Described);
  };
  const both = ["application/json", "application/x-ndjson"];
  deepStrictEqual(contentOf(ROUTES.submit), both);
  deepStrictEqual(contentOf(ROUTES.vms), both);
  deepStrictEqual(contentOf(ROUTES.watch), ["application/x-ndjson"]);
  deepStrictEqual(contentOf(ROUTES.node), ["application/json"]);
});
