/**
 * The package that makes and reads certificates, loaded when it is first
 * needed: most starts of a controller only read what an earlier one made.
 *
 * @module
 */
import type * as X509 from "@peculiar/x509";

let loading: Promise<typeof X509> | null = null;

/** The package; loaded once. */
export function loadX509(): Promise<typeof X509> {
  loading ??= import("reflect-metadata").then(() => import("@peculiar/x509"));
  return loading;
}

/** Bytes in hexadecimal, to be compared. */
export function toHex(bytes: ArrayBuffer | Uint8Array): string {
  const view = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  return Array.from(view, (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
}
