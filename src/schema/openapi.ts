/**
 * The OpenAPI document, made from the table of routes and the very schemas
 * that parse requests.
 *
 * @module
 */
import { z } from "zod";
import { Problem } from "./problem.ts";
import { type Route, ROUTES } from "./route.ts";

/** The OpenAPI 3.1 document of this API. */
export function openapi(version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, route] of Object.entries(ROUTES) as [string, Route][]) {
    const path = paths[route.path] ??= {};
    path[route.method.toLowerCase()] = operationOf(name, route);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "usher",
      version,
      description:
        "Virtual machines on a cluster of ordinary computers. Errors are RFC 9457 problems.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas: { Problem: jsonSchema(Problem, "output") },
      securitySchemes: { session: { type: "http", scheme: "bearer" } },
    },
  };
}

function operationOf(name: string, route: Route): Record<string, unknown> {
  return {
    operationId: name,
    summary: route.summary,
    "x-usher-access": route.access,
    ...(route.access === "public" ? {} : { security: [{ session: [] }] }),
    parameters: [...pathParameters(route), ...queryParameters(route)],
    ...(route.request === undefined ? {} : {
      requestBody: {
        required: true,
        content: {
          "application/json": { schema: jsonSchema(route.request, "input") },
        },
      },
    }),
    responses: {
      [route.stream === "websocket" ? "101" : "200"]: answerOf(route),
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
): Record<string, unknown> {
  if (stream === "websocket") return { description: "done" };
  if (isPage) {
    return {
      description: "a page",
      content: { "text/html": { schema: jsonSchema(response, "output") } },
    };
  }
  const isStream = stream === "ndjson";
  const streamed = isStream ? response : lines;
  return {
    description: isStream ? "a stream, one JSON value a line" : "done",
    content: {
      ...(isStream
        ? {}
        : { "application/json": { schema: jsonSchema(response, "output") } }),
      ...(streamed === undefined ? {} : {
        "application/x-ndjson": { schema: jsonSchema(streamed, "output") },
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

function jsonSchema(schema: z.ZodType, io: "input" | "output"): unknown {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
  });
  return rest;
}
