/**
 * Reading what a node says.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { UpFrame } from "../../schema/frame.ts";

/** A frame; null for a type that only a newer node knows. Throws `invalid_input`. */
export function parseUp(value: unknown): UpFrame | null {
  const parsed = UpFrame.safeParse(value);
  if (parsed.success) return parsed.data;
  const type = (value as { type?: unknown } | null)?.type;
  const known = UpFrame.options.some((option) =>
    option.shape.type.value === type
  );
  if (!known && typeof type === "string") return null;
  const issue = parsed.error.issues[0];
  throw new UsherError(
    "invalid_input",
    `Cannot read a frame "${String(type)}": ${
      issue?.path.join(".")
    }: ${issue?.message}`,
  );
}
