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
 *   peer-ca-key.pem  what nodes know each other by, at a site with a CA of its
 *                    own, whose key usher has not got
 * ```
 *
 * @module
 */
import { isIP } from "node:net";
import { UsherError } from "../../error/mod.ts";
import { needsRenewal } from "../../sys/validity.ts";
import {
  checkChain,
  checkKeyFits,
  readCertificate,
} from "./certificate_check.ts";
import {
  codeNames,
  type KeyPair,
  makeLeaf,
  makePeerCertificate,
} from "./certificates.ts";
import { caPart, type Leaf, toLeaf } from "./leaf.ts";
import { openOwn, type OwnTrust } from "./own_trust.ts";
import type { Trust } from "./site_trust.ts";
import {
  checkTime,
  keep,
  openCa,
  prepareFolder,
  read,
  readPair,
} from "./trust_files.ts";

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
    : await openOwn(options.own, `${options.stateDir}/tls`, options.now);
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
    renewsItself: true,
    peerCaNotAfter: () => null,
    leaf: () => leaf,
    renewIfDue: async (now) => {
      if (!needsRenewal(leaf, now)) return false;
      leaf = await newLeaf(path, ca, wanted, now);
      return true;
    },
    signPeer: async (node, publicKey, now) => ({
      certificate: await makePeerCertificate(ca, node, publicKey, now),
      ca: ca.certPem,
    }),
  };
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
