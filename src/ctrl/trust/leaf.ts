/**
 * What of a site's trust is shown and told: the listeners' certificate, and
 * the CA that signed it.
 *
 * @module
 */
import { fingerprint } from "../../sys/pem.ts";
import type { CertificateFacts } from "./certificate_check.ts";
import type { KeyPair } from "./certificates.ts";

/** The certificate of the listeners. */
export interface Leaf extends KeyPair {
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** A pair with the time in which it holds. */
export function toLeaf(
  { certPem, keyPem }: KeyPair,
  { notBefore, notAfter }: CertificateFacts,
): Leaf {
  return { certPem, keyPem, notBefore, notAfter };
}

/** The part of a trust that tells of its CA. */
export function caPart(caPem: string, { notAfter }: CertificateFacts) {
  return {
    caPem,
    caFingerprint: fingerprint(caPem) ?? "",
    caNotAfter: notAfter,
  };
}
