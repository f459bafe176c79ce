/**
 * Join tokens: all that a node needs to join, in one word.
 *
 * @module
 */
import { JoinToken } from "./frame.ts";

const PREFIX = "usher-join-";

/** The word for a token's content. */
export function encodeJoinToken(token: JoinToken): string {
  return PREFIX +
    btoa(JSON.stringify(token)).replaceAll("+", "-").replaceAll("/", "_")
      .replaceAll("=", "");
}

/** The content of a token's word, or null when it is none. */
export function decodeJoinToken(word: string): JoinToken | null {
  if (!word.startsWith(PREFIX)) return null;
  try {
    const base64 = word.slice(PREFIX.length).replaceAll("-", "+").replaceAll(
      "_",
      "/",
    );
    return JoinToken.parse(JSON.parse(atob(base64)));
  } catch {
    return null;
  }
}
