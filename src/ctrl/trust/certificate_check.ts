/**
 * Reading certificates, and checking whether keys and issuers fit them.
 *
 * @module
 */
import { createPrivateKey, createPublicKey } from "node:crypto";
import type * as X509 from "@peculiar/x509";
import { messageOf, UsherError } from "../../error/mod.ts";
import { pemBlocks } from "../../sys/pem.ts";
import type { Validity } from "../../sys/validity.ts";
import type { KeyPair } from "./certificates.ts";
import { loadX509, toHex } from "./x509.ts";

/** What of a certificate matters here. */
export interface CertificateFacts extends Validity {
  readonly subject: string;
  readonly isCa: boolean;
  /** The subject alternative names as they are coded; empty when there are none. */
  readonly names: string;
}

/** Reads the first certificate of `pem`; `place` names it in errors. */
export async function readCertificate(
  pem: string,
  place: string,
): Promise<CertificateFacts> {
  const x509 = await loadX509();
  const certificate = parse(x509, pem, place);
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension);
  return {
    subject: certificate.subject,
    notBefore: certificate.notBefore.getTime(),
    notAfter: certificate.notAfter.getTime(),
    isCa: certificate.getExtension(x509.BasicConstraintsExtension)?.ca ?? false,
    names: names === null ? "" : toHex(names.rawData),
  };
}

/** Throws unless `keyPem` is the private key of the first certificate of `certPem`. */
export async function checkKeyFits(
  { certPem, keyPem }: KeyPair,
  certPlace: string,
  keyPlace: string,
): Promise<void> {
  const certificate = parse(await loadX509(), certPem, certPlace);
  let publicKey: Uint8Array;
  try {
    publicKey = createPublicKey(createPrivateKey(keyPem)).export({
      type: "spki",
      format: "der",
    });
  } catch (error) {
    throw new UsherError(
      "invalid_input",
      `Cannot use "${keyPlace}": no private key in PEM (${messageOf(error)})`,
      {
        cause: error,
      },
    );
  }
  if (toHex(publicKey) === toHex(certificate.publicKey.rawData)) return;
  throw new UsherError(
    "invalid_input",
    `Cannot use "${keyPlace}": it is not the key of "${certPlace}"`,
  );
}

/**
 * Throws unless the first certificate of `certPem` leads to one of `caPem`,
 * directly or by those that follow it.
 */
export async function checkChain(
  { certPem, certPlace, caPem, caPlace }: {
    readonly certPem: string;
    readonly certPlace: string;
    readonly caPem: string;
    readonly caPlace: string;
  },
): Promise<void> {
  const x509 = await loadX509();
  const chain = parseAll(x509, certPem, certPlace);
  const roots = parseAll(x509, caPem, caPlace);
  for (const [i, certificate] of chain.entries()) {
    if (await isSignedByAny(certificate, roots)) return;
    const next = chain[i + 1];
    if (next === undefined || !await isSignedByAny(certificate, [next])) break;
  }
  throw new UsherError(
    "invalid_input",
    `Cannot use "${certPlace}": no CA of "${caPlace}" has signed it`,
    {
      hint:
        `Put the certificates in between into "${certPlace}", after its own`,
    },
  );
}

async function isSignedByAny(
  certificate: X509.X509Certificate,
  issuers: readonly X509.X509Certificate[],
): Promise<boolean> {
  for (const issuer of issuers) {
    if (issuer.subject !== certificate.issuer) continue;
    const options = { publicKey: issuer.publicKey, signatureOnly: true };
    if (await certificate.verify(options).catch(() => false)) return true;
  }
  return false;
}

function parse(
  x509: typeof X509,
  pem: string,
  place: string,
): X509.X509Certificate {
  const [first] = parseAll(x509, pem, place);
  if (first !== undefined) return first;
  throw new UsherError(
    "invalid_input",
    `Cannot use "${place}": no certificate in PEM`,
  );
}

function parseAll(
  x509: typeof X509,
  pem: string,
  place: string,
): X509.X509Certificate[] {
  const blocks = pemBlocks(pem).filter(({ label }) => label === "CERTIFICATE");
  try {
    return blocks.map(({ der }) => new x509.X509Certificate(der));
  } catch (error) {
    throw new UsherError(
      "invalid_input",
      `Cannot use "${place}": ${messageOf(error)}`,
      { cause: error },
    );
  }
}
