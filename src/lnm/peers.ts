/**
 * How this node and others reach and know each other when a VM moves: the
 * address and ports of the configuration, and a certificate of the site.
 *
 * ```
 * STATE/peer/
 *   ca-cert.pem                         whom this node believes
 *   server-cert.pem client-cert.pem     what it shows; one certificate
 *   server-key.pem  client-key.pem      its key (0600), which never leaves it
 *   dh-params.pem                       a group, which QEMU would look for else
 * ```
 *
 * The names are those that programs with GnuTLS look for. The certificate is got when it is
 * first needed: whoever moves a VM is in touch with the controller, and a node
 * that never moves one needs none. Once it is there it is renewed when less than
 * a third of its life is left, used or not, so that an end that comes near is
 * the sign of something wrong. A renewed certificate is for the same key, so the
 * files fit each other at any moment.
 *
 * @module
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  X509Certificate,
} from "node:crypto";
import { fromProblem, messageOf, toProblem, UsherError } from "../error/mod.ts";
import type { PeerCredentials, Peers } from "../driver/driver.ts";
import type { LnmConfig } from "../schema/config.ts";
import { CertificateAnswer, peerSubject } from "../schema/peer.ts";
import { Problem } from "../schema/problem.ts";
import type { Clock } from "../sys/clock.ts";
import { makeFolder, readTextOrNull, writeDurably } from "../sys/file.ts";
import { HttpClient } from "../sys/http_client.ts";
import { localAddressTowards } from "../sys/local_address.ts";
import type { Log } from "../sys/log.ts";
import { needsRenewal, type Validity } from "../sys/validity.ts";
import { type Credential, peerFolder } from "./credential.ts";
import { DH_GROUP } from "./dh_group.ts";

const ASK_MS = 15_000;
const CONNECT_MS = 5_000;

/** What a node's peers are made with. */
export interface PeersOptions {
  readonly config: Pick<LnmConfig, "state_dir" | "migration">;
  readonly credential: Credential;
  readonly clock: Clock;
  readonly log: Log;
}

/** How often it is looked at a certificate that nobody uses. */
const LOOK_MS = 6 * 3_600_000;

/** What drivers need to know of the other nodes, and the certificate looked after. */
export interface KeptPeers extends Peers {
  /** When the certificate ends, in ms since 1970; null where there is none, or that is not known yet. */
  certificateEnd(): number | null;
  /** Renews a certificate that is there and due, until `signal` aborts. */
  keep(signal: AbortSignal): Promise<void>;
}

/** What drivers need to know of the other nodes. */
export function peersOf(options: PeersOptions): KeptPeers {
  const { config, credential, clock } = options;
  const { migration } = config;
  let getting: Promise<PeerCredentials> | null = null;
  let end: number | null = null;
  const look = async () => {
    end = (await heldOf(options))?.notAfter ?? null;
  };
  const credentials = () =>
    getting ??= upToDate(options).finally(async () => {
      getting = null;
      await look();
    });
  return {
    ports: migration.ports,
    address: async () => migration.address ?? await seenAddress(credential.url),
    credentials,
    certificateEnd: () => end,
    async keep(signal) {
      while (!signal.aborted) {
        const held = await heldOf(options);
        if (held !== null && needsRenewal(held, clock.now())) {
          await credentials().catch((error) => cannotRenew(options, error));
        } else await look();
        await clock.sleep(LOOK_MS, signal).catch(() => {});
      }
    },
  };
}

/** The certificate that is there and fits the node and its key; null when none does. */
async function heldOf(
  { config, credential }: PeersOptions,
): Promise<Validity | null> {
  const folder = peerFolder(config.state_dir);
  const keyPem = await readTextOrNull(`${folder}/server-key.pem`);
  if (keyPem === null || !isKey(keyPem)) return null;
  return await heldValidity(folder, credential.name, keyPem);
}

function cannotRenew({ log }: PeersOptions, error: unknown): void {
  log.warn("cannot renew this node's certificate yet", {
    error: messageOf(error),
  });
}

async function seenAddress(controller: string): Promise<string> {
  const { hostname, port } = new URL(controller);
  try {
    return await localAddressTowards(
      hostname.replace(/^\[|\]$/g, ""),
      Number(port || 443),
      AbortSignal.timeout(CONNECT_MS),
    );
  } catch (error) {
    throw new UsherError(
      "unavailable",
      `Cannot tell where other nodes reach this one: ${messageOf(error)}`,
      { hint: "say it with `migration.address` in lnm.yaml", cause: error },
    );
  }
}

async function upToDate(options: PeersOptions): Promise<PeerCredentials> {
  const { config, credential, clock } = options;
  const folder = peerFolder(config.state_dir);
  await makeFolder(folder);
  await keep(`${folder}/dh-params.pem`, DH_GROUP);
  const keyPem = await keyIn(folder);
  const now = clock.now();
  const held = await heldValidity(folder, credential.name, keyPem);
  if (held !== null && !needsRenewal(held, now)) {
    return credentialsIn(folder);
  }
  try {
    await renew(folder, keyPem, credential);
  } catch (error) {
    if (held === null || now > held.notAfter) throw error;
    cannotRenew(options, error);
  }
  return credentialsIn(folder);
}

/** What lies in `folder`, for drivers. */
export function credentialsIn(folder: string): PeerCredentials {
  return {
    folder,
    ca: `${folder}/ca-cert.pem`,
    certificate: `${folder}/server-cert.pem`,
    key: `${folder}/server-key.pem`,
  };
}

/** The node's key, made when there is none. */
async function keyIn(folder: string): Promise<string> {
  const known = await readTextOrNull(`${folder}/server-key.pem`);
  const keyPem = known !== null && isKey(known) ? known : newKey();
  for (const name of ["client-key.pem", "server-key.pem"]) {
    await keep(`${folder}/${name}`, keyPem);
  }
  return keyPem;
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return String(privateKey.export({ type: "pkcs8", format: "pem" }));
}

function isKey(pem: string): boolean {
  try {
    createPrivateKey(pem);
    return true;
  } catch {
    return false;
  }
}

function publicKeyOf(keyPem: string): string {
  const key = createPublicKey(createPrivateKey(keyPem));
  return String(key.export({ type: "spki", format: "pem" }));
}

/** From when until when the certificate in `folder` holds; null when it is none of this node and this key. */
async function heldValidity(
  folder: string,
  node: string,
  keyPem: string,
): Promise<Validity | null> {
  const [ca, server, client] = await Promise.all(
    ["ca-cert.pem", "server-cert.pem", "client-cert.pem"].map((name) =>
      readTextOrNull(`${folder}/${name}`)
    ),
  );
  if (ca == null || server == null || server !== client) return null;
  try {
    const certificate = new X509Certificate(server);
    const key = certificate.publicKey.export({ type: "spki", format: "pem" });
    if (String(key) !== publicKeyOf(keyPem)) return null;
    if (certificate.subject !== peerSubject(node)) return null;
    return {
      notBefore: Date.parse(certificate.validFrom),
      notAfter: Date.parse(certificate.validTo),
    };
  } catch {
    return null;
  }
}

async function renew(
  folder: string,
  keyPem: string,
  credential: Credential,
): Promise<void> {
  const { certificate, ca } = await ask(credential, publicKeyOf(keyPem));
  await keep(`${folder}/ca-cert.pem`, ca);
  await keep(`${folder}/client-cert.pem`, certificate);
  await keep(`${folder}/server-cert.pem`, certificate);
}

async function keep(path: string, text: string): Promise<void> {
  if (await readTextOrNull(path) !== text) await writeDurably(path, text);
}

async function ask(
  { url, ca, name, secret }: Credential,
  publicKey: string,
): Promise<CertificateAnswer> {
  using client = new HttpClient(ca);
  let response: Response;
  try {
    response = await client.fetch(`${url}/v1/certificate`, {
      method: "POST",
      body: JSON.stringify({ name, secret, publicKey }),
      signal: AbortSignal.timeout(ASK_MS),
    });
  } catch (error) {
    throw new UsherError(
      "unavailable",
      `Cannot get a certificate for node "${name}" from ${url}: ${
        messageOf(error)
      }`,
      { cause: error },
    );
  }
  const answer = await response.json().catch(() => null);
  if (response.ok) return CertificateAnswer.parse(answer);
  const problem = Problem.safeParse(answer);
  throw fromProblem(
    problem.success ? problem.data : toProblem(`HTTP ${response.status}`),
  );
}
