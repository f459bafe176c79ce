/**
 * A stream between two nodes that know each other by certificates of one CA.
 *
 * Who listens is known by TLS. Who connects shows its certificate inside of
 * that, and signs what the listener made up for it: Deno's TLS asks nobody for
 * a certificate. What is signed names the purpose too, so that an answer fits
 * one stream and no other.
 *
 * @module
 */
import { messageOf, UsherError } from "../error/mod.ts";
import { pemBlocks } from "./pem.ts";
import {
  asBytes,
  type ByteConnection,
  closeQuietly,
} from "./byte_connection.ts";

/** What one end shows; all PEM. */
export interface PeerIdentity {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** Whom one end expects, and for what. */
export interface Expected {
  /** The subject of the peer's certificate, for the end that listens. */
  readonly subject: string;
  /** Ties the proof to one stream. */
  readonly purpose: string;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;
/** How long a peer may take to say who it is. */
const GREETING_MS = 60_000;
const MAX_LINE = 16 * 1024;

/** A port that is listened on. */
export interface PeerListener extends Disposable {
  readonly port: number;
  /** The first that proves to be the expected peer; others are sent away. */
  readonly peer: Promise<ByteConnection>;
}

/** Listens on the first free port of the range. Throws `unavailable` when there is none. */
export function listenForPeer(
  ports: { readonly first: number; readonly last: number },
  identity: PeerIdentity,
  expected: Expected,
): PeerListener {
  const peer = Promise.withResolvers<ByteConnection>();
  peer.promise.catch(() => {}); // told to whoever asks
  const listener = listenForPeers(ports, identity, expected, {
    take: peer.resolve,
    fail: peer.reject,
  });
  return { ...listener, peer: peer.promise };
}

/** Like `listenForPeer`, for a peer that comes more than once. */
export function listenForPeers(
  ports: { readonly first: number; readonly last: number },
  identity: PeerIdentity,
  expected: Expected,
  { take, fail = () => {} }: {
    readonly take: (connection: ByteConnection) => void;
    readonly fail?: (error: unknown) => void;
  },
): Omit<PeerListener, "peer"> {
  const listener = listenOn(ports, identity);
  const strangers = new Set<Deno.TlsConn>();
  void (async () => {
    for await (const connection of listener) {
      strangers.add(connection);
      // One that says nothing keeps nobody else from coming.
      void admit(connection, identity, expected).then((admitted) => {
        const isAwaited = strangers.delete(connection);
        if (admitted && isAwaited) take(asBytes(connection));
        else closeQuietly(connection);
      });
    }
  })().catch(fail);
  return {
    port: listener.addr.port,
    [Symbol.dispose]: () => {
      closeQuietly(listener);
      for (const connection of strangers) closeQuietly(connection);
      strangers.clear();
    },
  };
}

function listenOn(
  { first, last }: { readonly first: number; readonly last: number },
  { certificate, key }: PeerIdentity,
): Deno.TlsListener {
  let cause: unknown;
  for (let port = first; port <= last; port++) {
    try {
      return Deno.listenTls({
        hostname: "0.0.0.0",
        port,
        cert: certificate,
        key,
      });
    } catch (error) {
      cause = error;
    }
  }
  throw new UsherError(
    "unavailable",
    `Cannot listen for another node: none of the ports ${first}-${last} is free`,
    { hint: "`migration.ports` in lnm.yaml says which they are", cause },
  );
}

/** Connects to the peer that is called `host` in its certificate. Throws `unavailable`. */
export async function connectToPeer(
  to: {
    readonly address: string;
    readonly port: number;
    readonly host: string;
  },
  identity: PeerIdentity,
  purpose: string,
): Promise<ByteConnection> {
  let connection: Deno.TlsConn | null = null;
  try {
    const { address: hostname, port } = to;
    const plain = await Deno.connect({ hostname, port });
    connection = await Deno.startTls(plain, {
      hostname: to.host,
      caCerts: [identity.ca],
    });
    const bytes = asBytes(connection);
    using _late = timeLimit(connection);
    const nonce = await readLine(bytes);
    const answer = {
      certificate: identity.certificate,
      signature: await sign(identity.key, signedText(purpose, nonce)),
    };
    await writeLine(bytes, JSON.stringify(answer));
    if (await readLine(bytes) === "welcome") return bytes;
    throw new Error("It does not know this node");
  } catch (error) {
    if (connection !== null) closeQuietly(connection);
    throw new UsherError(
      "unavailable",
      `Cannot reach ${to.host} at ${to.address}:${to.port}: ${
        messageOf(error)
      }`,
      { cause: error },
    );
  }
}

async function admit(
  connection: Deno.TlsConn,
  { ca }: PeerIdentity,
  { subject, purpose }: Expected,
): Promise<boolean> {
  try {
    using _late = timeLimit(connection);
    const bytes = asBytes(connection);
    const nonce = crypto.randomUUID() + crypto.randomUUID();
    await writeLine(bytes, nonce);
    const { certificate, signature } = JSON.parse(await readLine(bytes));
    const text = signedText(purpose, nonce);
    if (!await isSignedBy(ca, certificate, subject, text, signature)) {
      return false;
    }
    await writeLine(bytes, "welcome");
    return true;
  } catch {
    return false;
  }
}

async function isSignedBy(
  ca: string,
  pem: string,
  subject: string,
  text: Uint8Array<ArrayBuffer>,
  signature: string,
): Promise<boolean> {
  await import("reflect-metadata");
  const { X509Certificate } = await import("@peculiar/x509");
  const certificate = new X509Certificate(pem);
  const publicKey = new X509Certificate(ca).publicKey;
  if (certificate.subject !== subject) return false;
  // Its dates are looked at, too.
  if (!await certificate.verify({ publicKey, date: new Date() })) return false;
  return await crypto.subtle.verify(
    SIGNING,
    await certificate.publicKey.export(ALGORITHM, ["verify"]),
    Uint8Array.from(atob(signature), (char) => char.charCodeAt(0)),
    text,
  );
}

async function sign(
  pem: string,
  text: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const der = pemBlocks(pem)[0]?.der ?? new Uint8Array();
  const key = await crypto.subtle.importKey("pkcs8", der, ALGORITHM, false, [
    "sign",
  ]);
  const bytes = await crypto.subtle.sign(SIGNING, key, text);
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}

function signedText(purpose: string, nonce: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`usher peer\n${purpose}\n${nonce}\n`);
}

function timeLimit(connection: Disposable & { close(): void }): Disposable {
  const timer = setTimeout(() => closeQuietly(connection), GREETING_MS);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

async function writeLine(to: ByteConnection, line: string): Promise<void> {
  await to.writeAll(new TextEncoder().encode(`${line}\n`));
}

/** Byte by byte: what comes after the line is not ours to take. */
async function readLine(from: ByteConnection): Promise<string> {
  const line: number[] = [];
  const byte = new Uint8Array(1);
  while (line.length < MAX_LINE) {
    if (await from.read(byte) === null) throw new Error("It hung up");
    if (byte[0] === 10) {
      return new TextDecoder().decode(new Uint8Array(line));
    }
    line.push(byte[0]!);
  }
  throw new Error("It says too much");
}
