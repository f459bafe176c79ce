import { strictEqual } from "node:assert/strict";
import { z } from "zod";
import { SizeMiB } from "./quantity.ts";
import { namedJsonSchemas, typeText } from "./type_text.ts";

const Inner = z.object({ a: z.int() });

function text(schema: z.ZodType): string {
  const { It } = namedJsonSchemas({ It: schema, Inner });
  return typeText(It ?? {});
}

Deno.test("typeText() writes what TypeScript would", () => {
  const cases: [z.ZodType, string][] = [
    [z.string(), "string"],
    [z.literal("start"), '"start"'],
    [z.enum(["a", "b"]), '"a" | "b"'],
    [z.string().nullable(), "string | null"],
    [z.array(z.string()), "string[]"],
    [z.array(z.string().nullable()), "(string | null)[]"],
    [z.tuple([Inner, z.boolean()]), "[Inner, boolean]"],
    [z.record(z.string(), z.number()), "Record<string, number>"],
    [z.unknown(), "unknown"],
    [z.strictObject({}), "Record<string, never>"],
    [
      z.object({ inner: Inner.nullable(), "a-b": z.string().optional() }),
      '{\n  inner: Inner | null;\n  "a-b"?: string;\n}',
    ],
  ];
  for (const [schema, expected] of cases) strictEqual(text(schema), expected);
});

Deno.test("typeText() takes what a transformation makes for what its union says", () => {
  strictEqual(text(SizeMiB), "number");
});

Deno.test("typeText() writes defaults as optional before, and there after", () => {
  const schema = z.object({ a: z.int().default(1) });
  strictEqual(
    typeText(namedJsonSchemas({ It: schema }, "input")["It"] ?? {}),
    "{\n  a?: number;\n}",
  );
  strictEqual(text(schema), "{\n  a: number;\n}");
});
