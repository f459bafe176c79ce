/**
 * Making certificates: the site's CA and what it signs.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { isIP } from "node:net";
import type * as X509 from "@peculiar/x509";
import { UsherError } from "../../error/mod.ts";
import { peerHost, peerSubject } from "../../schema/peer.ts";
import { pemBlocks, toPem } from "../../sys/pem.ts";
import { loadX509, toHex } from "./x509.ts";

/** A certificate with its private key, both PEM. */
export interface KeyPair {
  readonly certPem: string;
  readonly keyPem: string;
}

const DAY_MS = 86_400_000;
/** Clocks of nodes that are behind by less accept a new certificate. */
const BACKDATED_MS = 3_600_000;
const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING_ALGORITHM = { name: "ECDSA", hash: "SHA-256" } as const;
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

/** How long certificates live, in days. */
export const LIFETIMES = { ca: 3653, leaf: 90 } as const;

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
  const keys = await crypto.subtle.generateKey(KEY_ALGORITHM, true, [
    "sign",
    "verify",
  ]);
  const certificate = await signLeaf(ca, {
    subject: "CN=usher controller",
    names,
    publicKey: keys.publicKey,
    purposes: [SERVER_AUTH],
    now,
  });
  return await exportPair(certificate, keys.privateKey);
}

/**
 * A certificate for a node's own key, with which it is both server and client
 * of other nodes. Throws `invalid_input` for what is no public key.
 */
export async function makePeerCertificate(
  ca: KeyPair,
  node: string,
  publicKeyPem: string,
  now: number,
): Promise<string> {
  const certificate = await signLeaf(ca, {
    subject: peerSubject(node),
    names: [peerHost(node)],
    publicKey: await importPublicKey(publicKeyPem),
    purposes: [SERVER_AUTH, CLIENT_AUTH],
    now,
  });
  return toPem("CERTIFICATE", certificate.rawData);
}

async function importPublicKey(pem: string): Promise<CryptoKey> {
  const [block] = pemBlocks(pem);
  try {
    return await crypto.subtle.importKey(
      "spki",
      block?.der ?? new Uint8Array(),
      KEY_ALGORITHM,
      true,
      ["verify"],
    );
  } catch (error) {
    throw new UsherError(
      "invalid_input",
      "This is no public key for a certificate: it must be one of P-256, in PEM",
      { field: "publicKey", cause: error },
    );
  }
}

interface LeafWish {
  readonly subject: string;
  readonly names: readonly string[];
  readonly publicKey: CryptoKey;
  readonly purposes: string[];
  readonly now: number;
}

async function signLeaf(
  ca: KeyPair,
  { subject, names, publicKey, purposes, now }: LeafWish,
): Promise<X509.X509Certificate> {
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(ca.certPem);
  return await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject,
    issuer: issuer.subjectName,
    notBefore: new Date(now - BACKDATED_MS),
    notAfter: new Date(
      Math.min(now + LIFETIMES.leaf * DAY_MS, issuer.notAfter.getTime()),
    ),
    signingAlgorithm: SIGNING_ALGORITHM,
    publicKey,
    signingKey: await importSigningKey(ca.keyPem),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      // GnuTLS, which QEMU links, wants the second of these too.
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.digitalSignature |
          x509.KeyUsageFlags.keyEncipherment,
        true,
      ),
      new x509.ExtendedKeyUsageExtension(purposes),
      alternativeNames(x509, names),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
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
