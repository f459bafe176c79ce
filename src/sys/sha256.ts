/**
 * SHA-256 of a text, at once: WebCrypto's would hand each digest to another
 * thread, which takes twenty times as long as the work itself.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** The SHA-256 of the UTF-8 of `text`, in lower-case hex. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
