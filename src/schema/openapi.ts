/**
 * The OpenAPI document, made from the table of routes and the very schemas
 * that parse requests.
 *
 * @module
 */
import { OpenapiSchemas, type OpenapiVersion } from "./openapi_schemas.ts";
import { Problem } from "./problem.ts";
import { type Route, ROUTES } from "./route.ts";

/**
 * The OpenAPI document of this API, of the version of usher. In 3.0 for tools
 * that know no later one.
 */
export function openapi(
  version: string,
  written: OpenapiVersion = "3.1",
): Record<string, unknown> {
  const schemas = new OpenapiSchemas(written);
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, route] of Object.entries(ROUTES) as [string, Route][]) {
    const path = paths[route.path] ??= {};
    path[route.method.toLowerCase()] = operationOf(name, route, schemas);
  }
  schemas.of(Problem, "output");
  return {
    openapi: written === "3.0" ? "3.0.3" : "3.1.0",
    info: {
      title: "usher",
      version,
      description:
        "Virtual machines on a cluster of ordinary computers. Errors are RFC 9457 problems.",
      license: {
        name: "MIT",
        ...(written === "3.0" ? {} : { identifier: "MIT" }),
      },
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas: schemas.named,
      securitySchemes: { session: { type: "http", scheme: "bearer" } },
    },
  };
}

function operationOf(
  name: string,
  route: Route,
  schemas: OpenapiSchemas,
): Record<string, unknown> {
  return {
    operationId: name,
    summary: route.summary,
    "x-usher-access": route.access,
    security: route.access === "public" ? [] : [{ session: [] }],
    parameters: [...pathParameters(route), ...queryParameters(route)],
    ...(route.request === undefined ? {} : {
      requestBody: {
        required: true,
        content: {
          "application/json": { schema: schemas.of(route.request, "input") },
        },
      },
    }),
    responses: {
      [route.stream === "websocket" ? "101" : "200"]: answerOf(route, schemas),
      default: {
        description: "an error",
        content: {
          "application/problem+json": {
            schema: { $ref: "#/components/schemas/Problem" },
          },
        },
      },
    },
  };
}

function answerOf(
  { stream, response, lines, isPage }: Route,
  schemas: OpenapiSchemas,
): Record<string, unknown> {
  if (stream === "websocket") return { description: "done" };
  if (isPage) {
    return {
      description: "a page",
      content: { "text/html": { schema: schemas.of(response, "output") } },
    };
  }
  const isStream = stream === "ndjson";
  const streamed = isStream ? response : lines;
  return {
    description: isStream ? "a stream, one JSON value a line" : "done",
    content: {
      ...(isStream
        ? {}
        : { "application/json": { schema: schemas.of(response, "output") } }),
      ...(streamed === undefined ? {} : {
        "application/x-ndjson": { schema: schemas.of(streamed, "output") },
      }),
    },
  };
}

function pathParameters({ path }: Route) {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters({ query }: Route) {
  return Object.entries(query ?? {}).map(([name, description]) => ({
    name,
    in: "query",
    required: false,
    description,
    schema: { type: "string" },
  }));
}
