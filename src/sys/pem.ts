/**
 * PEM, as certificates and keys are kept in files.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** One block of a PEM text. */
export interface PemBlock {
  /** What stands after BEGIN: `CERTIFICATE`, `PRIVATE KEY`, … */
  readonly label: string;
  /** The block with its BEGIN and END lines. */
  readonly pem: string;
  readonly der: Uint8Array<ArrayBuffer>;
}

const BLOCK =
  /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]+?)-----END \1-----/g;

/** The blocks of `text` in order; what is between them is skipped. */
export function pemBlocks(text: string): PemBlock[] {
  return [...text.matchAll(BLOCK)].flatMap(([pem, label = "", body = ""]) => {
    const der = decodeBase64(body);
    return der === null ? [] : [{ label, pem: `${pem}\n`, der }];
  });
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(
      atob(text.replace(/\s+/g, "")),
      (char) => char.charCodeAt(0),
    );
  } catch {
    return null;
  }
}

/** DER as PEM. */
export function toPem(label: string, der: ArrayBuffer): string {
  const text = btoa(String.fromCharCode(...new Uint8Array(der)));
  const lines = text.match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${
    lines.join("\n")
  }\n-----END ${label}-----\n`;
}

/**
 * SHA-256 of the first certificate in `pem`, as `AB:CD:…`, the form that
 * `openssl x509 -fingerprint -sha256` prints; null when there is none.
 */
export function fingerprint(pem: string): string | null {
  const certificate = pemBlocks(pem).find(({ label }) =>
    label === "CERTIFICATE"
  );
  if (certificate === undefined) return null;
  const hex = createHash("sha256").update(certificate.der).digest("hex");
  return (hex.toUpperCase().match(/../g) ?? []).join(":");
}
