/**
 * Making and reading certificates: the site's CA and what it signs.
 *
 * The package that does it is loaded when it is first needed, since most
 * starts of a controller only read what an earlier one made.
 *
 * @module
 */
import { createPrivateKey, createPublicKey, randomBytes } from "node:crypto";
import { isIP } from "node:net";
import type * as X509 from "@peculiar/x509";
import { messageOf, UsherError } from "../error/mod.ts";
import { pemBlocks, toPem } from "../sys/pem.ts";

/** A certificate with its private key, both PEM. */
export interface KeyPair {
  readonly certPem: string;
  readonly keyPem: string;
}

/** From when until when, in milliseconds since 1970. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** What of a certificate matters here. */
export interface CertificateFacts extends Validity {
  readonly subject: string;
  readonly isCa: boolean;
  /** The subject alternative names as they are coded; empty when there are none. */
  readonly names: string;
}

const DAY_MS = 86_400_000;
/** Clocks of nodes that are behind by less accept a new certificate. */
const BACKDATED_MS = 3_600_000;
const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING_ALGORITHM = { name: "ECDSA", hash: "SHA-256" } as const;
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";

/** How long certificates live, in days. */
export const LIFETIMES = { ca: 3653, leaf: 90 } as const;

/** Whether less than a third of a certificate's life is left at `now`. */
export function needsRenewal(
  { notBefore, notAfter }: Validity,
  now: number,
): boolean {
  return notAfter - now < (notAfter - notBefore) / 3;
}

let loading: Promise<typeof X509> | null = null;

function loadX509(): Promise<typeof X509> {
  loading ??= import("reflect-metadata").then(() => import("@peculiar/x509"));
  return loading;
}

/** A new CA for a site. */
export async function makeCa(now: number): Promise<KeyPair> {
  const x509 = await loadX509();
  const keys = await crypto.subtle.generateKey(KEY_ALGORITHM, true, [
    "sign",
    "verify",
  ]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    // A name of its own, so that two sites' CAs are never mistaken for each other.
    name: `CN=usher site CA ${randomBytes(4).toString("hex")}`,
    notBefore: new Date(now - BACKDATED_MS),
    notAfter: new Date(now + LIFETIMES.ca * DAY_MS),
    signingAlgorithm: SIGNING_ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return await exportPair(certificate, keys.privateKey);
}

/** A new certificate for the controller's listeners, signed by `ca`. */
export async function makeLeaf(
  ca: KeyPair,
  names: readonly string[],
  now: number,
): Promise<KeyPair> {
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(ca.certPem);
  const keys = await crypto.subtle.generateKey(KEY_ALGORITHM, true, [
    "sign",
    "verify",
  ]);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: "CN=usher controller",
    issuer: issuer.subjectName,
    notBefore: new Date(now - BACKDATED_MS),
    notAfter: new Date(
      Math.min(now + LIFETIMES.leaf * DAY_MS, issuer.notAfter.getTime()),
    ),
    signingAlgorithm: SIGNING_ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: await importSigningKey(ca.keyPem),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([SERVER_AUTH]),
      alternativeNames(x509, names),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return await exportPair(certificate, keys.privateKey);
}

/** `names` as a certificate would code them, to compare with `CertificateFacts.names`. */
export async function codeNames(names: readonly string[]): Promise<string> {
  return toHex(alternativeNames(await loadX509(), names).rawData);
}

function alternativeNames(
  x509: typeof X509,
  names: readonly string[],
): X509.SubjectAlternativeNameExtension {
  return new x509.SubjectAlternativeNameExtension(
    names.map((value) => ({
      type: isIP(value) === 0 ? "dns" as const : "ip" as const,
      value,
    })),
  );
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

async function exportPair(
  certificate: X509.X509Certificate,
  key: CryptoKey,
): Promise<KeyPair> {
  return {
    certPem: toPem("CERTIFICATE", certificate.rawData),
    keyPem: toPem("PRIVATE KEY", await crypto.subtle.exportKey("pkcs8", key)),
  };
}

async function importSigningKey(keyPem: string): Promise<CryptoKey> {
  const der = pemBlocks(keyPem)[0]?.der ?? new Uint8Array();
  return await crypto.subtle.importKey("pkcs8", der, KEY_ALGORITHM, false, [
    "sign",
  ]);
}

function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40; // Positive, and of full length.
  return bytes.toString("hex");
}

function toHex(bytes: ArrayBuffer | Uint8Array): string {
  const view = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  return Array.from(view, (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
}
