/**
 * Values put into filters and names of a directory, so that whatever somebody
 * types is a value and nothing else.
 *
 * @module
 */

/** A value in a filter (RFC 4515): what has a meaning there is written as its bytes. */
export function inFilter(value: string): string {
  return [...new TextEncoder().encode(value)].map((byte) => {
    const char = String.fromCharCode(byte);
    return /[A-Za-z0-9 _.@=,+-]/.test(char)
      ? char
      : `\\${byte.toString(16).padStart(2, "0")}`;
  }).join("");
}

/** A value in a distinguished name (RFC 4514). */
export function inDn(value: string): string {
  const bytes = [...new TextEncoder().encode(value)];
  return bytes.map((byte, index) => {
    const char = String.fromCharCode(byte);
    const isEdge = index === 0 || index === bytes.length - 1;
    const isPlain = /[A-Za-z0-9_.@-]/.test(char) || (char === " " && !isEdge);
    return isPlain ? char : `\\${byte.toString(16).padStart(2, "0")}`;
  }).join("");
}

/** `template` with each `{name}` made its value, escaped. Throws for a name that has none. */
export function filled(
  template: string,
  values: Readonly<Record<string, string>>,
  escape: (value: string) => string,
): string {
  return template.replaceAll(/\{([a-z]+)\}/g, (_, name: string) => {
    if (!Object.hasOwn(values, name)) {
      throw new Error(`"{${name}}" means nothing in "${template}"`);
    }
    return escape(values[name] ?? "");
  });
}
