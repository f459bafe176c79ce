/**
 * Schemas as TypeScript: what a value may be, in the words of those who write
 * plugins. The reference of events, `usher event show` and the types that
 * `usher plugin init` writes are made with it.
 *
 * @module
 */
import { z } from "zod";

/** As much of JSON Schema as zod makes. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema | boolean;
  readonly prefixItems?: readonly JsonSchema[];
  readonly description?: string;
  readonly default?: unknown;
}

/** Schemas that have names; where one stands within another it is named. */
export type NamedSchemas = Readonly<Record<string, z.ZodType>>;

/** Each of `named` as JSON Schema, the others by reference. `input`: before defaults. */
export function namedJsonSchemas(
  named: NamedSchemas,
  io: "input" | "output" = "output",
): Readonly<Record<string, JsonSchema>> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) {
    registry.add(schema, { id });
  }
  const { schemas } = z.toJSONSchema(registry, {
    io,
    unrepresentable: "any",
    uri: (id) => id,
  });
  return schemas as Readonly<Record<string, JsonSchema>>;
}

/** A schema as a TypeScript type, objects over several lines. */
export function typeText(schema: JsonSchema, indent = ""): string {
  if (schema.$ref !== undefined) return schema.$ref.replace(/^#\/\$defs\//, "");
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) {
    return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  }
  const union = schema.anyOf ?? schema.oneOf;
  if (union !== undefined) return unionText(union, indent);
  if (schema.allOf !== undefined) {
    return schema.allOf.map((one) => typeText(one, indent)).join(" & ");
  }
  const { type } = schema;
  if (typeof type === "object") {
    return unionText(type.map((type) => ({ ...schema, type })), indent);
  }
  switch (type) {
    case "object":
      return objectText(schema, indent);
    case "array":
      return arrayText(schema, indent);
    case "integer":
    case "number":
      return "number";
    case "string":
    case "boolean":
    case "null":
      return type;
    default:
      return "unknown";
  }
}

function unionText(union: readonly JsonSchema[], indent: string): string {
  const texts = new Set(union.map((one) => typeText(one, indent)));
  // What a transformation makes says nothing; the others say what it is.
  if (texts.size > 1) texts.delete("unknown");
  return [...texts].join(" | ");
}

function objectText(schema: JsonSchema, indent: string): string {
  const entries = Object.entries(schema.properties ?? {});
  const { additionalProperties: rest } = schema;
  if (entries.length === 0) {
    return typeof rest === "object" && Object.keys(rest).length > 0
      ? `Record<string, ${typeText(rest, indent)}>`
      : rest === false
      ? "Record<string, never>"
      : "Record<string, unknown>";
  }
  const required = new Set(schema.required);
  const inner = `${indent}  `;
  const lines = entries.map(([key, value]) => {
    const name = /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);
    const mark = required.has(key) ? "" : "?";
    const about = value.description === undefined
      ? ""
      : `${inner}/** ${value.description} */\n`;
    return `${about}${inner}${name}${mark}: ${typeText(value, inner)};\n`;
  });
  return `{\n${lines.join("")}${indent}}`;
}

function arrayText(schema: JsonSchema, indent: string): string {
  if (schema.prefixItems !== undefined) {
    return `[${
      schema.prefixItems.map((one) => typeText(one, indent)).join(", ")
    }]`;
  }
  const { items } = schema;
  if (typeof items !== "object") return "unknown[]";
  const text = typeText(items, indent);
  const members = items.anyOf ?? items.oneOf ?? items.allOf ?? items.enum ??
    (typeof items.type === "object" ? items.type : []);
  return members.length > 1 ? `(${text})[]` : `${text}[]`;
}
