/**
 * What a worker says, read by the controller, which believes nothing of it.
 *
 * @module
 */
import { z } from "zod";
import type { FromGuest } from "./protocol.ts";

const Id = z.int().nonnegative();
const Text = z.string();

const Part = z.union([
  z.tuple([z.literal("done"), Id, z.array(z.unknown()).nullable()]),
  z.tuple([z.literal("refused"), Id, Text, Text.nullable()]),
  z.tuple([z.literal("threw"), Id, Text]),
  z.tuple([z.literal("ask"), Id, Id, Text, z.unknown()]),
  z.tuple([
    z.literal("log"),
    Id.nullable(),
    z.enum(["debug", "info", "warn", "error"]),
    Text,
    z.record(z.string(), z.unknown()),
  ]),
]) satisfies z.ZodType<FromGuest>;

const decoder = new TextDecoder("utf-8", { fatal: true });

/** The parts of a body from a worker. Throws for one that no guest of usher's would send. */
export function readBody(body: Uint8Array): FromGuest[] {
  const parts: unknown = JSON.parse(decoder.decode(body));
  if (!Array.isArray(parts)) throw new Error("A body is no list");
  for (const part of parts) {
    if (!isDone(part) && !Part.safeParse(part).success) {
      throw new Error("A part of a body is none");
    }
  }
  return parts;
}

/** By far the most parts, looked at without a schema. */
function isDone(part: unknown): boolean {
  return Array.isArray(part) && part.length === 3 && part[0] === "done" &&
    Number.isSafeInteger(part[1]) && part[1] >= 0 &&
    (part[2] === null || Array.isArray(part[2]));
}
