/**
 * The options of a plugin as a table, from their JSON Schema.
 *
 * @module
 */
import { type JsonSchema, typeText } from "../schema/type_text.ts";

/** One option. */
export interface OptionRow {
  readonly name: string;
  readonly type: string;
  /** Its default as JSON, `required` when there is none and it must be given. */
  readonly default: string;
  readonly about: string;
}

/** The options that a schema names; none for what is no object. */
export function optionRows(schema: unknown): OptionRow[] {
  if (typeof schema !== "object" || schema === null) return [];
  const { properties = {}, required = [] } = schema as JsonSchema;
  return Object.entries(properties).map(([name, its]) => ({
    name,
    type: typeText(its).replaceAll(/\s+/g, " "),
    default: its.default !== undefined
      ? JSON.stringify(its.default)
      : required.includes(name)
      ? "required"
      : "-",
    about: its.description ?? "",
  }));
}
