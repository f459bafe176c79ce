/**
 * What is said of one route of the API.
 *
 * @module
 */
import type { z } from "zod";
import type { TokenNeed } from "../token_scope.ts";

/** Who may call a route at all. */
export type Access = "public" | "viewer" | "user" | "admin";

/** One line of the API. */
export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  /** Path with parameters in braces, as OpenAPI writes them. */
  readonly path: string;
  readonly access: Access;
  /** What it needs of an API token, where that does not follow from the two above. */
  readonly token?: TokenNeed;
  /** Whose things it shows or changes for whom, in a few words; for the table of access. */
  readonly whose?: string;
  readonly summary: string;
  /** Query parameters: name to what it means. */
  readonly query?: Readonly<Record<string, string>>;
  readonly request?: z.ZodType;
  readonly response: z.ZodType;
  /** `ndjson` answers are streams of `response`, one a line. */
  readonly stream?: "ndjson" | "websocket";
  /** What is streamed instead, one a line, when the query asks for it. */
  readonly lines?: z.ZodType;
  /** Answers a page for people, HTML. */
  readonly isPage?: true;
}
