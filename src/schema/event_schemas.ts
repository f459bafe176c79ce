/**
 * The types of what events carry, by the names that plugins know them by.
 *
 * @module
 */
import type { z } from "zod";
import { NodeView, VmView } from "./change.ts";
import * as values from "./event_value.ts";
import { type EventName, EVENTS } from "./event.ts";
import { Node, NodeUsage } from "./node.ts";
import { Operation } from "./operation.ts";
import { Problem } from "./problem.ts";
import { Role } from "./stored.ts";
import { type JsonSchema, namedJsonSchemas, typeText } from "./type_text.ts";
import { Vm, VmSpec, VmUsage } from "./vm.ts";

/** Every type that handlers meet, in the order of the reference. */
export const EVENT_SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  Role,
  ...values,
  Problem,
  VmSpec,
  Vm,
  VmUsage,
  VmView,
  Node,
  NodeUsage,
  NodeView,
  Operation,
};

let schemas: Readonly<Record<string, JsonSchema>> | undefined;

/** Each of those types as JSON Schema. */
export function eventSchemas(): Readonly<Record<string, JsonSchema>> {
  return schemas ??= namedJsonSchemas(EVENT_SCHEMAS);
}

/** The types of an event's arguments, in order, by name. */
export function argumentTypes(event: EventName): readonly string[] {
  const { args } = EVENTS[event];
  return args.def.items.map((item) => {
    const [name] = Object.entries(EVENT_SCHEMAS).find(([, schema]) =>
      schema === item
    ) ?? [];
    return name ?? typeText(namedJsonSchemas({ It: item })["It"] ?? {});
  });
}

/** The names of types that the text of a type mentions, and those that theirs do. */
export function typesWithin(names: readonly string[]): readonly string[] {
  const found = new Set<string>();
  function visit(name: string): void {
    if (found.has(name) || !Object.hasOwn(EVENT_SCHEMAS, name)) return;
    found.add(name);
    for (const inner of referencesOf(eventSchemas()[name])) visit(inner);
  }
  names.forEach(visit);
  return [...found];
}

function referencesOf(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) =>
    key === "$ref" ? [String(value)] : referencesOf(value)
  );
}
