/**
 * A site that brings a CA and a certificate of its own, in files that usher
 * only reads. The key of that CA is not among them, so what nodes know each
 * other by is signed by a CA of usher's, which nobody else needs to trust.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import {
  checkChain,
  checkKeyFits,
  readCertificate,
} from "./certificate_check.ts";
import { type KeyPair, makePeerCertificate } from "./certificates.ts";
import { caPart, type Leaf, toLeaf } from "./leaf.ts";
import type { Trust } from "./site_trust.ts";
import {
  checkTime,
  openCa,
  prepareFolder,
  read,
  readPair,
} from "./trust_files.ts";

const PEER_CA = "peer-ca";

/** Paths of a site's own CA certificate, server certificate and key. */
export interface OwnTrust {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Opens the trust of such a site; `folder` takes what usher makes for it. */
export async function openOwn(
  own: OwnTrust,
  folder: string,
  now: number,
): Promise<Trust> {
  const caPem = await readOwn(own.ca);
  const facts = await readCertificate(caPem, own.ca);
  checkTime(facts, now, own.ca);
  let leaf = await readOwnLeaf(own, caPem, now);
  let peerCa: Promise<KeyPair> | null = null;
  let peerCaNotAfter = await endOfPeerCa(folder);
  return {
    ...caPart(caPem, facts),
    renewsItself: false,
    peerCaNotAfter: () => peerCaNotAfter,
    leaf: () => leaf,
    renewIfDue: async (now) => {
      const found = await readOwnLeaf(own, caPem, now);
      if (found.certPem === leaf.certPem && found.keyPem === leaf.keyPem) {
        return false;
      }
      leaf = found;
      return true;
    },
    signPeer: async (node, publicKey, now) => {
      peerCa ??= openPeerCa(folder, now);
      peerCa.catch(() => peerCa = null);
      const ca = await peerCa;
      const place = `${folder}/${PEER_CA}-key.pem`;
      const facts = await readCertificate(ca.certPem, place);
      checkTime(facts, now, place);
      peerCaNotAfter = facts.notAfter;
      return {
        certificate: await makePeerCertificate(ca, node, publicKey, now),
        ca: ca.certPem,
      };
    },
  };
}

async function openPeerCa(folder: string, now: number): Promise<KeyPair> {
  await prepareFolder(folder);
  return await openCa(folder, now, PEER_CA);
}

/** Of the one that is there; what is wrong with it is for whoever needs it. */
async function endOfPeerCa(folder: string): Promise<number | null> {
  const path = `${folder}/${PEER_CA}-key.pem`;
  try {
    const pair = readPair(await read(path) ?? "");
    if (pair === null) return null;
    return (await readCertificate(pair.certPem, path)).notAfter;
  } catch {
    return null;
  }
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
