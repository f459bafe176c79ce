/**
 * Canonical JSON: equal values are equal texts, whoever wrote them down, so
 * that a hash of the text is one of the value.
 *
 * Keys stand in the order of their code units, nothing between tokens; a
 * field that is undefined is left out, as in JSON.
 *
 * @module
 */

/** `value` as canonical JSON. It must be JSON itself: no cycles, no big integers. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== "object") {
    return JSON.stringify(value) ?? "null";
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const record = value as Readonly<Record<string, unknown>>;
  const fields = Object.keys(record).sort().filter((key) =>
    record[key] !== undefined
  );
  return `{${
    fields.map((key) => `${JSON.stringify(key)}:${canonicalJson(record[key])}`)
      .join(",")
  }}`;
}
