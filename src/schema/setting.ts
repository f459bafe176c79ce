/**
 * What is said of each key of a configuration, once: what it does, and whether
 * a running process takes another value. The files in configs/, the reference
 * in docs/configuration.md, a reload and `usher config show` all read it here.
 *
 * @module
 */
import { z } from "zod";
import {
  formatDuration,
  formatMiB,
  parseDurationMs,
  parseSizeMiB,
} from "./quantity_text.ts";

/** What is said of a key. */
export interface Setting {
  /** What it does, for whoever writes the file. */
  readonly about: string;
  /** A reload takes it; without, a change of it needs a restart. */
  readonly live?: true;
  /** A value as a file would have it, for a key that has no default. */
  readonly example?: string;
  /** The YAML that stands in the default file, where that is not the default. */
  readonly written?: string;
  /** What may stand there, where the schema does not tell. */
  readonly type?: string;
  /** Its value is shown to nobody. */
  readonly secret?: true;
}

/** By the schema of the key, with its default. */
export const SETTINGS = z.registry<Setting>();

/** What people call a kind of value, such as `duration`; refined ones inherit it. */
export const KINDS_OF_VALUE = z.registry<{ readonly kind: string }>();

/** One key of a configuration, or a section of keys. */
export interface Key {
  /** From the top; `NAME` stands for one that the person chooses, `[]` for an item. */
  readonly path: readonly string[];
  readonly setting: Setting | null;
  /** What stands there when the file says nothing, as a file would say it. */
  readonly fallback: unknown;
  /** What may stand there, in a few words; empty for a section. */
  readonly type: string;
  /** Has keys of its own; of one that is optional they count only when it is there. */
  readonly isSection: boolean;
}

/** As much of zod's insides as walking a configuration needs. */
interface Walked {
  readonly shape?: Readonly<Record<string, Walked>>;
  readonly element?: Walked;
  readonly valueType?: Walked;
  readonly options?: readonly Walked[];
  readonly minValue?: number | null;
  readonly maxValue?: number | null;
  readonly _zod: {
    readonly def: {
      readonly type: string;
      readonly format?: string;
      readonly defaultValue?: unknown;
      readonly innerType?: Walked;
      readonly out?: Walked;
      readonly entries?: Readonly<Record<string, string>>;
      readonly values?: readonly unknown[];
    };
  };
}

/** The schema of a whole configuration. */
export type ConfigSchema = z.ZodType;

/** Every key that `schema` knows, each section before its keys. */
export function keysOf(schema: ConfigSchema): Key[] {
  return keysWithin(schema as unknown as Walked, []);
}

function keysWithin(schema: Walked, above: readonly string[]): Key[] {
  return Object.entries(schema.shape ?? {}).flatMap(([name, given]) => {
    const path = [...above, name];
    const inner = bare(given);
    const within = sectionOf(inner, path);
    const key: Key = {
      path,
      setting: SETTINGS.get(given as unknown as z.ZodType) ?? null,
      fallback: fallbackOf(given),
      type: within === null || inner.shape === undefined ? typeOf(given) : "",
      isSection: within !== null,
    };
    return [key, ...within ?? []];
  });
}

/** The keys within a value; null when it has none of its own. */
function sectionOf(inner: Walked, path: readonly string[]): Key[] | null {
  if (inner.shape !== undefined) return keysWithin(inner, path);
  const value = inner.valueType === undefined ? null : bare(inner.valueType);
  if (value?.shape !== undefined) return keysWithin(value, [...path, "NAME"]);
  const item = inner.element === undefined ? null : bare(inner.element);
  const object = item?._zod.def.type !== "union"
    ? undefined
    : item.options?.map(bare).find(({ shape }) => shape);
  return object === undefined ? null : keysWithin(object, [...path, "[]"]);
}

/** What stands within optional, default and a transformation. */
function bare(schema: Walked): Walked {
  let at = schema;
  while (at.shape === undefined) {
    const { innerType, out, type } = at._zod.def;
    const inner = innerType ?? (type === "pipe" ? out : undefined);
    // What a transformation of text makes is no value that a file holds.
    if (inner === undefined || inner._zod.def.type === "transform") return at;
    at = inner;
  }
  return at;
}

function fallbackOf(schema: Walked): unknown {
  const { type, defaultValue } = schema._zod.def;
  return type === "default" || type === "prefault" ? defaultValue : undefined;
}

function typeOf(schema: Walked): string {
  const named = SETTINGS.get(schema as unknown as z.ZodType)?.type ??
    kindOf(schema);
  if (named !== undefined) return named;
  const at = bare(schema);
  const { type, format, entries, values } = at._zod.def;
  switch (type) {
    case "enum":
      return Object.values(entries ?? {}).join(" | ");
    case "literal":
      return (values ?? []).map(String).join(" | ");
    case "union":
      return [...new Set((at.options ?? []).map(typeOf))].join(" or ");
    case "number":
      return numberText(at, format);
    case "array":
      return `list of ${at.element === undefined ? "" : many(at.element)}`;
    case "record":
      return "names with values";
    case "string":
      return format === "url" ? "URL" : "text";
    default:
      return kindOf(at) ?? type;
  }
}

function many(schema: Walked): string {
  const one = typeOf(schema);
  return one === "text" ? one : one.replace(/[^s]$/, "$&s");
}

/** The kind of a schema, or of what stands within its optional and default. */
function kindOf(schema: Walked): string | undefined {
  let at: Walked | undefined = schema;
  while (at !== undefined) {
    const named = KINDS_OF_VALUE.get(at as unknown as z.ZodType);
    if (named !== undefined) return named.kind;
    at = at._zod.def.innerType;
  }
  return undefined;
}

function numberText(
  { minValue, maxValue }: Walked,
  format: string | undefined,
): string {
  const kind = format === undefined ? "number" : "whole number";
  const limit = (value: number | null | undefined) =>
    value === null || value === undefined ||
      Math.abs(value) >= Number.MAX_SAFE_INTEGER
      ? null
      : value;
  const [least, most] = [limit(minValue), limit(maxValue)];
  if (least !== null && most !== null) return `${kind}, ${least} to ${most}`;
  return least === null ? kind : `${kind} from ${least}`;
}

/** A value that was read, as a file would say it. */
export function valueText(type: string | undefined, value: unknown): string {
  if (typeof value === "number") {
    if (type === "duration") {
      const text = formatDuration(value);
      return parseDurationMs(text) === value ? text : `${value}ms`;
    }
    if (type === "size") {
      const text = formatMiB(value).replace(" ", "");
      return parseSizeMiB(text) === value ? text : `${value}MiB`;
    }
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}
