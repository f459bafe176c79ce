/**
 * TSIG (RFC 8945): what is sent is signed with a shared key, and what comes
 * back must be.
 *
 * An answer without a good signature is no answer, whatever it says. Two
 * errors come unsigned because the server could not check ours; they are told
 * as what they say, and never as success.
 *
 * @module
 */
import { decodeName, encodeName, joined, type RawRecord } from "./message.ts";
import { CLASS, TYPE, u16, viewOf } from "./message.ts";

/** Algorithms and what WebCrypto calls their hash. */
export const ALGORITHMS = {
  "hmac-sha256": "SHA-256",
  "hmac-sha384": "SHA-384",
  "hmac-sha512": "SHA-512",
} as const;

/** The name of an algorithm. */
export type Algorithm = keyof typeof ALGORITHMS;

/** A key that the server knows too. */
export interface TsigKey {
  readonly name: string;
  readonly algorithm: Algorithm;
  readonly key: CryptoKey;
}

/** How far clocks may be apart, in seconds. */
const FUDGE_S = 300;

const ERRORS: Readonly<Record<number, string>> = {
  16: "BADSIG: the secret is another than the server's",
  17: "BADKEY: the server knows no key of this name and algorithm",
  18: "BADTIME: the clocks are more than five minutes apart",
  22: "BADTRUNC: the server wants a longer signature",
};

/** Makes a key of its secret in base64. */
export async function importKey(
  name: string,
  algorithm: Algorithm,
  secret: string,
): Promise<TsigKey> {
  const raw = Uint8Array.from(atob(secret), (char) => char.charCodeAt(0));
  const key = await crypto.subtle.importKey(
    "raw",
    raw,
    { name: "HMAC", hash: ALGORITHMS[algorithm] },
    false,
    ["sign", "verify"],
  );
  return { name: name.toLowerCase().replace(/\.$/, ""), algorithm, key };
}

/** The message with its signature, and that signature, which the answer's covers. */
export async function sign(
  message: Uint8Array,
  key: TsigKey,
  nowS: number,
): Promise<{ bytes: Uint8Array; mac: Uint8Array }> {
  const facts = { time: nowS, fudge: FUDGE_S, error: 0, other: NOTHING };
  const covered = joined([message, variables(key, facts)]);
  const mac = new Uint8Array(
    await crypto.subtle.sign("HMAC", key.key, own(covered)),
  );
  const data = joined([
    encodeName(key.algorithm),
    u48(facts.time),
    u16(facts.fudge),
    u16(mac.length),
    mac,
    message.slice(0, 2),
    u16(0),
    u16(0),
  ]);
  const record = joined([
    encodeName(key.name),
    u16(TYPE.TSIG),
    u16(CLASS.ANY),
    new Uint8Array(4),
    u16(data.length),
    data,
  ]);
  const bytes = joined([message, record]);
  const view = viewOf(bytes);
  view.setUint16(10, view.getUint16(10) + 1);
  return { bytes, mac };
}

/**
 * Throws unless `bytes` is the answer, by who knows the key, to what `mac`
 * signed. Answers its own signature, which that of the next message of the
 * same answer covers, with the messages `between` that have none.
 */
export async function verify(
  bytes: Uint8Array,
  record: RawRecord | null,
  { key, mac, nowS, between }: {
    readonly key: TsigKey;
    readonly mac: Uint8Array;
    readonly nowS: number;
    /** Absent for the first message. */
    readonly between?: readonly Uint8Array[];
  },
): Promise<Uint8Array> {
  if (record === null) throw new Error("DNS answer has no signature");
  const tsig = parse(record);
  if (record.name !== key.name || tsig.algorithm !== key.algorithm) {
    throw new Error(`DNS answer is signed with another key, "${record.name}"`);
  }
  const meaning = ERRORS[tsig.error];
  // BADSIG and BADKEY come without a signature.
  if (tsig.mac.length === 0) {
    throw new Error(
      `DNS server refuses the signature: ${meaning ?? `error ${tsig.error}`}`,
    );
  }
  const message = bytes.slice(0, record.start);
  const view = viewOf(message);
  view.setUint16(0, tsig.id);
  view.setUint16(10, view.getUint16(10) - 1);
  const covered = joined([
    u16(mac.length),
    mac,
    ...between ?? [],
    message,
    between === undefined ? variables(key, tsig) : timers(tsig),
  ]);
  const isRight = await crypto.subtle.verify(
    "HMAC",
    key.key,
    own(tsig.mac),
    own(covered),
  );
  if (!isRight) throw new Error("DNS answer has a wrong signature");
  if (meaning !== undefined) {
    throw new Error(`DNS server refuses the signature: ${meaning}`);
  }
  if (Math.abs(nowS - tsig.time) > tsig.fudge) {
    throw new Error("DNS answer was signed at another time");
  }
  return tsig.mac;
}

interface TsigFacts {
  readonly time: number;
  readonly fudge: number;
  readonly error: number;
  readonly other: Uint8Array;
}

const NOTHING = new Uint8Array(0);

function variables(key: TsigKey, facts: TsigFacts): Uint8Array {
  return joined([
    encodeName(key.name),
    u16(CLASS.ANY),
    new Uint8Array(4),
    encodeName(key.algorithm),
    u48(facts.time),
    u16(facts.fudge),
    u16(facts.error),
    u16(facts.other.length),
    facts.other,
  ]);
}

/** All that is covered of a signature after the first of an answer. */
function timers({ time, fudge }: TsigFacts): Uint8Array {
  return joined([u48(time), u16(fudge)]);
}

function parse(record: RawRecord) {
  const { data } = record;
  const { name: algorithm, end } = decodeName(data, 0);
  const view = viewOf(data);
  const time = view.getUint16(end) * 2 ** 32 + view.getUint32(end + 2);
  const macLength = view.getUint16(end + 8);
  const macAt = end + 10;
  const after = macAt + macLength;
  const otherLength = view.getUint16(after + 4);
  return {
    algorithm,
    time,
    fudge: view.getUint16(end + 6),
    mac: data.slice(macAt, after),
    id: view.getUint16(after),
    error: view.getUint16(after + 2),
    other: data.slice(after + 6, after + 6 + otherLength),
  };
}

function u48(value: number): Uint8Array {
  const bytes = new Uint8Array(6);
  viewOf(bytes).setUint16(0, Math.floor(value / 2 ** 32));
  viewOf(bytes).setUint32(2, value >>> 0);
  return bytes;
}

/** The same bytes in memory of their own, as WebCrypto wants them. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
