/**
 * The types of the OpenAPI document: each that has a name stands once, under
 * `components`, so that a generated client has one type for it and not one for
 * every route.
 *
 * An answer may have more fields than are described, since a controller may be
 * newer than the client: so it forbids none, while a request is held to its own.
 *
 * @module
 */
import { z } from "zod";
import { NodeView, VmView } from "./change.ts";
import { NodeOperation } from "./node_operation.ts";
import { Operation, Outcome, Progress, Result } from "./operation.ts";
import { Problem } from "./problem.ts";
import {
  CycleRequest,
  DestroyRequest,
  MigrateRequest,
  PauseRequest,
  PoweroffRequest,
  RebootRequest,
  RegisterRequest,
  ResumeRequest,
  ShutdownRequest,
  SpecInput,
  StartRequest,
  UnregisterRequest,
  VmRequest,
} from "./request.ts";

/** The version of OpenAPI that a document is written in. */
export type OpenapiVersion = "3.0" | "3.1";

/** What is answered, and what is asked for, by the names of their types. */
const NAMED = {
  output: {
    NodeOperation,
    NodeView,
    Operation,
    Outcome,
    Problem,
    Progress,
    Result,
    VmView,
  },
  input: {
    CycleRequest,
    DestroyRequest,
    MigrateRequest,
    PauseRequest,
    PoweroffRequest,
    RebootRequest,
    RegisterRequest,
    ResumeRequest,
    ShutdownRequest,
    SpecInput,
    StartRequest,
    UnregisterRequest,
    VmRequest,
  },
} as const satisfies Record<Io, Record<string, z.ZodType>>;

type Io = "input" | "output";
type Json = Record<string, unknown>;

const NAMES = { input: registryOf("input"), output: registryOf("output") };

function registryOf(io: Io) {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(NAMED[io])) {
    registry.add(schema, { id });
  }
  return registry;
}

/** Schemas in the form of a document, and the named ones among them. */
export class OpenapiSchemas {
  /** What `components.schemas` holds, of what was asked for so far. */
  readonly named: Record<string, Json> = {};
  readonly #target: "openapi-3.0" | "draft-2020-12";

  constructor(version: OpenapiVersion) {
    this.#target = version === "3.0" ? "openapi-3.0" : "draft-2020-12";
  }

  /** The form of `schema` where it is asked for, or answered. */
  of(schema: z.ZodType, io: Io): Json {
    const { $schema: _, ...whole } = z.toJSONSchema(schema, {
      io,
      target: this.#target,
      metadata: NAMES[io],
      unrepresentable: "any",
      override: ({ jsonSchema }) => this.#mend(jsonSchema as Json, io),
    }) as Json;
    const { $defs = {}, definitions = $defs, ...rest } = whole;
    for (const [id, its] of Object.entries(definitions as object)) {
      this.#add(id, io, its);
    }
    const own = NAMES[io].get(schema)?.id;
    if (own === undefined) return withRefs(rest) as Json;
    this.#add(own, io, rest);
    return { $ref: `#/components/schemas/${own}` };
  }

  /** What generators stumble over, or would hold answers to. */
  #mend(schema: Json, io: Io): void {
    delete schema.id;
    if (io === "output" && schema.additionalProperties === false) {
      delete schema.additionalProperties;
    }
    // One of several that is not described would stand for anything at all.
    if (Array.isArray(schema.anyOf)) {
      const described = schema.anyOf.filter((one) =>
        Object.keys(one).length > 0
      );
      if (described.length > 1) schema.anyOf = described;
      if (described.length === 1) {
        delete schema.anyOf;
        Object.assign(schema, described[0]);
      }
    }
    if (this.#target !== "openapi-3.0") return;
    // OpenAPI 3.0 has no word for it.
    delete schema.propertyNames;
    if (schema.nullable === true && schema.type === undefined) {
      if (schema.allOf === undefined) delete schema.nullable;
      else schema.type = "object";
    }
  }

  #add(id: string, io: Io, schema: Json): void {
    if (!(id in NAMED[io])) {
      throw new Error(`Cannot describe "${id}": it has no name in NAMED`);
    }
    this.named[id] ??= withRefs(schema) as Json;
  }
}

/** References that lead into the document. */
function withRefs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withRefs);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, its]) => [
      key,
      key === "$ref" && typeof its === "string"
        ? its.replace(/^#\/(?:\$defs|definitions)\//, "#/components/schemas/")
        : withRefs(its),
    ]),
  );
}
