/**
 * What clients and nodes trust a controller by: the site's CA, and the
 * certificate that its listeners show.
 *
 * ```
 * STATE/tls/
 *   ca.pem           the CA, for people to copy (0644); made again when lost
 *   ca-key.pem       the CA with its key (0600)
 *   server-key.pem   the listeners' certificate with its key (0600); made
 *                    again when lost, damaged, due, or when the names change
 * ```
 *
 * A certificate and its key are one file, written durably, so a crash leaves
 * the old pair or the new one. A damaged CA is refused instead of replaced:
 * no node and no client would trust the new one.
 *
 * @module
 */
import { isIP } from "node:net";
import { messageOf, UsherError } from "../error/mod.ts";
import { isoTime } from "../sys/clock.ts";
import {
  listFolder,
  makeFolder,
  readTextOrNull,
  removeIfThere,
  writeDurably,
} from "../sys/file.ts";
import { fingerprint, pemBlocks } from "../sys/pem.ts";
import {
  type CertificateFacts,
  checkChain,
  checkKeyFits,
  codeNames,
  type KeyPair,
  makeCa,
  makeLeaf,
  needsRenewal,
  readCertificate,
} from "./certificates.ts";

export { fingerprint, needsRenewal };

/** The certificate of the listeners. */
export interface Leaf extends KeyPair {
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** A site's CA and the controller's certificate. */
export interface Trust {
  readonly caPem: string;
  /** SHA-256 of the CA, as `AB:CD:…`. */
  readonly caFingerprint: string;
  /** When the CA ends, in milliseconds since 1970. */
  readonly caNotAfter: number;
  /** What listeners show now. */
  leaf(): Leaf;
  /**
   * Makes a new leaf when a third of its life is left, or takes the one that
   * was put into the configured files; true when `leaf` has changed.
   */
  renewIfDue(now: number): Promise<boolean>;
}

/** Paths of a site's own CA certificate, server certificate and key. */
export interface OwnTrust {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Where CA and certificate are kept, and whom the certificate names. */
export interface TrustOptions {
  readonly stateDir: string;
  /** DNS names and addresses from the configuration. */
  readonly names: readonly string[];
  /** This machine's host name. */
  readonly host?: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The site's own files, instead of a CA of usher's. */
  readonly own?: OwnTrust | undefined;
}

/** Opens a controller's trust, making what is missing. */
export async function openTrust(options: TrustOptions): Promise<Trust> {
  return options.own === undefined
    ? await openMade(options)
    : await openOwn(options.own, options.now);
}

async function openMade(
  { stateDir, names, host, now }: TrustOptions,
): Promise<Trust> {
  const folder = `${stateDir}/tls`;
  const wanted = allNames(names, host);
  await prepareFolder(folder);
  const ca = await openCa(folder, now);
  const facts = await readCertificate(ca.certPem, `${folder}/ca-key.pem`);
  checkTime(facts, now, `${folder}/ca-key.pem`);
  const path = `${folder}/server-key.pem`;
  let leaf = await readLeaf(path, ca, wanted, now) ??
    await newLeaf(path, ca, wanted, now);
  return {
    ...caPart(ca.certPem, facts),
    leaf: () => leaf,
    renewIfDue: async (now) => {
      if (!needsRenewal(leaf, now)) return false;
      leaf = await newLeaf(path, ca, wanted, now);
      return true;
    },
  };
}

function caPart(caPem: string, { notAfter }: CertificateFacts) {
  return {
    caPem,
    caFingerprint: fingerprint(caPem) ?? "",
    caNotAfter: notAfter,
  };
}

async function prepareFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
    for (const name of await listFolder(folder)) {
      if (name.endsWith(".tmp")) await removeIfThere(`${folder}/${name}`);
    }
  } catch (error) {
    throw cannotKeep(folder, error);
  }
}

async function openCa(folder: string, now: number): Promise<KeyPair> {
  const path = `${folder}/ca-key.pem`;
  const text = await read(path);
  const ca = text === null ? await makeCa(now) : readPair(text);
  if (ca === null) throw damagedCa(path);
  if (text === null) await keep(path, ca.keyPem + ca.certPem);
  else {await checkKeyFits(ca, path, path).catch(() => {
      throw damagedCa(path);
    });}
  const shown = `${folder}/ca.pem`;
  if (await read(shown) !== ca.certPem) await keep(shown, ca.certPem, 0o644);
  return ca;
}

function damagedCa(path: string): UsherError {
  return new UsherError(
    "invalid_input",
    `Cannot use the site's CA "${path}": the file is damaged`,
    {
      hint:
        "Restore it from a backup; without it, remove it, and every client and node must log in and join anew",
    },
  );
}

/** The leaf that was kept, or null when a new one is needed. */
async function readLeaf(
  path: string,
  ca: KeyPair,
  names: readonly string[],
  now: number,
): Promise<Leaf | null> {
  const pair = readPair(await read(path) ?? "");
  if (pair === null) return null;
  try {
    const facts = await readCertificate(pair.certPem, path);
    await checkKeyFits(pair, path, path);
    await checkChain({
      certPem: pair.certPem,
      certPlace: path,
      caPem: ca.certPem,
      caPlace: "the CA",
    });
    const fits = facts.names === await codeNames(names);
    return fits && facts.notBefore <= now && !needsRenewal(facts, now)
      ? toLeaf(pair, facts)
      : null;
  } catch {
    return null;
  }
}

async function newLeaf(
  path: string,
  ca: KeyPair,
  names: readonly string[],
  now: number,
): Promise<Leaf> {
  const pair = await makeLeaf(ca, names, now);
  await keep(path, pair.keyPem + pair.certPem);
  return toLeaf(pair, await readCertificate(pair.certPem, path));
}

function toLeaf(
  { certPem, keyPem }: KeyPair,
  { notBefore, notAfter }: CertificateFacts,
): Leaf {
  return { certPem, keyPem, notBefore, notAfter };
}

function readPair(text: string): KeyPair | null {
  const [key, certificate] = pemBlocks(text);
  if (key?.label !== "PRIVATE KEY" || certificate?.label !== "CERTIFICATE") {
    return null;
  }
  return { keyPem: key.pem, certPem: certificate.pem };
}

const DNS_NAME =
  /^(\*\.)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\.?$/;

/** Everything that the controller is called by, without doubles. */
function allNames(
  names: readonly string[],
  host: string | undefined,
): string[] {
  const all = names.map((name, i) => {
    const lower = name.toLowerCase();
    if (isIP(name) !== 0 || DNS_NAME.test(lower)) return lower;
    throw new UsherError(
      "invalid_input",
      `Cannot use name "${name}": neither a DNS name nor an address`,
      {
        field: `names[${i}]`,
      },
    );
  });
  const hostName = host?.toLowerCase();
  if (hostName !== undefined && DNS_NAME.test(hostName)) all.push(hostName);
  return [...new Set([...all, "localhost", "127.0.0.1", "::1"])];
}

async function openOwn(own: OwnTrust, now: number): Promise<Trust> {
  const caPem = await readOwn(own.ca);
  const facts = await readCertificate(caPem, own.ca);
  checkTime(facts, now, own.ca);
  let leaf = await readOwnLeaf(own, caPem, now);
  return {
    ...caPart(caPem, facts),
    leaf: () => leaf,
    renewIfDue: async (now) => {
      const found = await readOwnLeaf(own, caPem, now);
      if (found.certPem === leaf.certPem && found.keyPem === leaf.keyPem) {
        return false;
      }
      leaf = found;
      return true;
    },
  };
}

async function readOwnLeaf(
  own: OwnTrust,
  caPem: string,
  now: number,
): Promise<Leaf> {
  const pair = {
    certPem: await readOwn(own.cert),
    keyPem: await readOwn(own.key),
  };
  const facts = await readCertificate(pair.certPem, own.cert);
  if (facts.isCa) {
    throw new UsherError(
      "invalid_input",
      `Cannot use "${own.cert}": it is a CA, which no server may show`,
      {
        hint: "Sign a certificate for the controller with it",
      },
    );
  }
  checkTime(facts, now, own.cert);
  await checkKeyFits(pair, own.cert, own.key);
  await checkChain({
    certPem: pair.certPem,
    certPlace: own.cert,
    caPem,
    caPlace: own.ca,
  });
  return toLeaf(pair, facts);
}

async function readOwn(path: string): Promise<string> {
  const text = await read(path);
  if (text !== null) return text;
  throw new UsherError(
    "invalid_input",
    `Cannot use "${path}": there is no such file`,
  );
}

function checkTime(
  { notBefore, notAfter }: CertificateFacts,
  now: number,
  place: string,
): void {
  if (now > notAfter) {
    throw new UsherError(
      "invalid_input",
      `Cannot use "${place}": it ended at ${isoTime(notAfter)}`,
    );
  }
  if (now < notBefore) {
    throw new UsherError(
      "invalid_input",
      `Cannot use "${place}": it begins at ${isoTime(notBefore)}`,
      {
        hint: "Check this machine's clock",
      },
    );
  }
}

async function read(path: string): Promise<string | null> {
  try {
    return await readTextOrNull(path);
  } catch (error) {
    throw new UsherError(
      "unavailable",
      `Cannot read "${path}": ${messageOf(error)}`,
      { cause: error },
    );
  }
}

async function keep(path: string, text: string, mode = 0o600): Promise<void> {
  try {
    await writeDurably(path, text, { mode });
  } catch (error) {
    throw cannotKeep(path, error);
  }
}

function cannotKeep(path: string, error: unknown): UsherError {
  return new UsherError(
    "unavailable",
    `Cannot write "${path}": ${messageOf(error)}`,
    {
      hint: "Check that the state directory is writable and has room",
      cause: error,
    },
  );
}
