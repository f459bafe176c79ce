/**
 * Canonical JSON: equal values are equal texts, whoever wrote them down, so
 * that a hash of the text is one of the value.
 *
 * Keys stand in the order of their code units, nothing between tokens; a
 * field that is undefined is left out, as in JSON. It is made for every record
 * of the audit log, so it is put together in one pass, without lists between.
 *
 * @module
 */

/** What stands in JSON as it is. */
const PLAIN = /^[\w.:@/ -]*$/;

/** `value` as canonical JSON. It must be JSON itself: no cycles, no big integers. */
export function canonicalJson(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (value === null || typeof value !== "object") {
    return JSON.stringify(value) ?? "null";
  }
  return Array.isArray(value)
    ? listOf(value)
    : recordOf(value as Readonly<Record<string, unknown>>);
}

function listOf(list: readonly unknown[]): string {
  let text = "[";
  for (let i = 0; i < list.length; i++) {
    text += (i === 0 ? "" : ",") + canonicalJson(list[i]);
  }
  return text + "]";
}

function recordOf(record: Readonly<Record<string, unknown>>): string {
  let text = "{";
  for (const key of Object.keys(record).sort()) {
    const field = record[key];
    if (field === undefined) continue;
    text += (text === "{" ? "" : ",") + quoted(key) + ":" +
      canonicalJson(field);
  }
  return text + "}";
}

function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}
