/**
 * What lint rules ask of the source they look at: where it lies, and the plain
 * names in it.
 *
 * @module
 */
import { isTest } from "./house.ts";

const SRC = /(?:^|\/)((?:src|scripts|plugins|tests)\/.*|main\.ts)$/;

/** The path within the repository, as far as a file name tells. */
export function relative(filename: string): string {
  const root = decodeURIComponent(new URL("..", import.meta.url).pathname);
  if (filename.startsWith(root)) return filename.slice(root.length);
  return SRC.exec(filename)?.[1] ?? filename;
}

/** Whether `path` is code that ships. */
export function isProduct(path: string): boolean {
  return (path.startsWith("src/") || path === "main.ts") && !isTest(path);
}

/** `a.b` of a member expression written plainly, else null. */
export function memberName(node: Deno.lint.MemberExpression): string | null {
  const { object, property } = node;
  if (object.type !== "Identifier" || property.type !== "Identifier") {
    return null;
  }
  return node.computed ? null : `${object.name}.${property.name}`;
}
