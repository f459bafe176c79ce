/**
 * TypeScript to JavaScript, by blanks in place of types.
 *
 * Apart from `snapshot.ts`, which loads it only for a plugin that has types.
 *
 * @module
 */
import { transformSync } from "amaro";

/** What is wrong in a source, and where; both count from 1. */
export class SyntaxFault extends Error {
  override readonly name = "SyntaxFault";
  readonly line: number;
  readonly column: number;
  /** It is sound TypeScript, and more than types. */
  readonly isUnsupported: boolean;

  constructor({ code, message, startLine = 1, startColumn = 0 }: AmaroError) {
    super(message.replace(" in strip-only mode", " in plugins"));
    this.line = startLine;
    this.column = startColumn + 1;
    this.isUnsupported = code === "UnsupportedSyntax";
  }
}

/** What amaro throws: no class of its own. */
interface AmaroError {
  readonly code: string;
  readonly message: string;
  readonly startLine?: number;
  readonly startColumn?: number;
}

/** The source without its types. Throws `SyntaxFault`. */
export function stripTypes(source: string): string {
  try {
    return transformSync(source, { mode: "strip-only" }).code;
  } catch (error) {
    if (isAmaroError(error)) throw new SyntaxFault(error);
    throw error;
  }
}

function isAmaroError(error: unknown): error is AmaroError {
  return typeof error === "object" && error !== null &&
    "code" in error && "message" in error && "startLine" in error;
}
