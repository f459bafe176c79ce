/**
 * DNS messages as `udns` sends and reads them: queries, and updates (RFC 2136).
 *
 * Names and record data are written and read by dns-packet. The frame around
 * them is made here, since an update needs classes that dns-packet cannot
 * write (NONE) and a signature covers the very bytes that are sent.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import dns from "dns-packet";

/** Classes: of a zone, and the two that an update gives a meaning of its own. */
export const CLASS = { IN: 1, NONE: 254, ANY: 255 } as const;

/** Kinds of records. */
export const TYPE = {
  A: 1,
  SOA: 6,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  TSIG: 250,
  AXFR: 252,
  ANY: 255,
} as const;
/** The name of a kind of records. */
export type TypeName = keyof typeof TYPE;

/** Response codes that mean something here. */
export const RCODE = {
  NOERROR: 0,
  NXDOMAIN: 3,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
} as const;

const OPCODE = { query: 0, update: 5 } as const;
const RESPONSE = 0x8000;
const TRUNCATED = 0x0200;
const HEADER_BYTES = 12;

/** A record of a message. `data` is null where an update has none. */
export interface DnsRecord {
  readonly name: string;
  readonly type: TypeName;
  readonly class: keyof typeof CLASS;
  readonly ttl: number;
  readonly data: string | null;
}

/** A message that was read, and where its parts lie. */
export interface DnsResponse {
  readonly id: number;
  readonly rcode: number;
  readonly answers: readonly DnsRecord[];
  /** How many of the answers are a zone's SOA: a transfer begins and ends with it. */
  readonly soas: number;
  /** The last record when it is a signature. */
  readonly tsig: RawRecord | null;
}

/** A record as it lies in a message. */
export interface RawRecord {
  readonly name: string;
  readonly start: number;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  readonly data: Uint8Array;
  /** Where `data` begins in the message. */
  readonly dataAt: number;
}

/** A question for records of one kind. */
export function encodeQuery(
  id: number,
  name: string,
  type: TypeName,
): Uint8Array {
  return joined([
    header(id, OPCODE.query, [1, 0, 0, 0]),
    encodeName(name),
    u16(TYPE[type]),
    u16(CLASS.IN),
  ]);
}

/** An update of `zone`: done as a whole if what `requires` says holds, else not at all. */
export function encodeUpdate(
  id: number,
  { zone, requires, changes }: {
    readonly zone: string;
    readonly requires: readonly DnsRecord[];
    readonly changes: readonly DnsRecord[];
  },
): Uint8Array {
  return joined([
    header(id, OPCODE.update, [1, requires.length, changes.length, 0]),
    encodeName(zone),
    u16(TYPE.SOA),
    u16(CLASS.IN),
    ...[...requires, ...changes].map(encodeRecord),
  ]);
}

/** Reads what a server answered. Throws for bytes that are no answer. */
export function decodeResponse(bytes: Uint8Array): DnsResponse {
  if (bytes.length < HEADER_BYTES) throw new Error("DNS answer is cut short");
  const view = viewOf(bytes);
  const flags = view.getUint16(2);
  if ((flags & RESPONSE) === 0) throw new Error("DNS answer is a question");
  if ((flags & TRUNCATED) !== 0) throw new Error("DNS answer is truncated");
  const counts = [4, 6, 8, 10].map((at) => view.getUint16(at));
  const [questions = 0, answers = 0, ...others] = counts;
  let at = HEADER_BYTES;
  for (let i = 0; i < questions; i++) at = decodeName(bytes, at).end + 4;
  const records: RawRecord[] = [];
  const count = answers + others.reduce((sum, it) => sum + it, 0);
  for (let i = 0; i < count; i++) {
    const { record, end } = decodeRecord(bytes, at);
    records.push(record);
    at = end;
  }
  const answered = records.slice(0, answers);
  const last = records.at(-1);
  return {
    id: view.getUint16(0),
    rcode: flags & 0xf,
    answers: answered.flatMap((raw) => readable(raw, bytes)),
    soas: answered.filter(({ type }) => type === TYPE.SOA).length,
    tsig: last?.type === TYPE.TSIG ? last : null,
  };
}

/** A name in its canonical form: lower case, uncompressed. */
export function encodeName(name: string): Uint8Array {
  const labels = name.replace(/\.$/, "").split(".");
  if (name !== "" && name !== "." && !labels.every(isLabel)) {
    throw new Error(`"${name}" is no DNS name`);
  }
  return dns.name.encode(name.toLowerCase());
}

/** Sixteen bits. */
export function u16(value: number): Uint8Array {
  return new Uint8Array([value >> 8 & 0xff, value & 0xff]);
}

/** All of `parts`, one after another. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** A view of the same bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A name that begins at `at`, and where it ends. */
export function decodeName(
  bytes: Uint8Array,
  at: number,
): { name: string; end: number } {
  // The same memory: a copy for each name of a full message would be a thousand.
  const { buffer, byteOffset, byteLength } = bytes;
  const name: string = dns.name.decode(
    Buffer.from(buffer, byteOffset, byteLength),
    at,
  );
  return { name: name.toLowerCase(), end: at + dns.name.decode.bytes };
}

function isLabel(label: string): boolean {
  return label.length > 0 && label.length <= 63;
}

function header(
  id: number,
  opcode: number,
  counts: readonly number[],
): Uint8Array {
  return joined([u16(id), u16(opcode << 11), ...counts.map(u16)]);
}

function encodeRecord(record: DnsRecord): Uint8Array {
  const ttl = new Uint8Array(4);
  viewOf(ttl).setUint32(0, record.ttl);
  return joined([
    encodeName(record.name),
    u16(TYPE[record.type]),
    u16(CLASS[record.class]),
    ttl,
    // With its length before it.
    record.data === null ? u16(0) : dns.record(record.type).encode(record.data),
  ]);
}

function decodeRecord(
  bytes: Uint8Array,
  start: number,
): { record: RawRecord; end: number } {
  const { name, end: at } = decodeName(bytes, start);
  const view = viewOf(bytes);
  const length = view.getUint16(at + 8);
  const from = at + 10;
  if (from + length > bytes.length) throw new Error("DNS answer is cut short");
  const record = {
    name,
    start,
    type: view.getUint16(at),
    class: view.getUint16(at + 2),
    ttl: view.getUint32(at + 4),
    data: bytes.slice(from, from + length),
    dataAt: from,
  };
  return { record, end: from + length };
}

/** The record where it is of a kind that is asked for; nothing otherwise. */
function readable(raw: RawRecord, message: Uint8Array): DnsRecord[] {
  const type = (["A", "AAAA", "TXT", "PTR"] as const).find((it) =>
    TYPE[it] === raw.type
  );
  if (type === undefined || raw.class !== CLASS.IN) return [];
  const { name, ttl } = raw;
  const data = type === "PTR"
    // A name there may point back into the message.
    ? decodeName(message, raw.dataAt).name
    : decodeData(type, joined([u16(raw.data.length), raw.data]));
  return [{ name, type, class: "IN", ttl, data }];
}

/** `data` as a server would write it: addresses have many spellings. */
export function canonical(type: TypeName, data: string): string {
  return type === "PTR"
    ? data.toLowerCase()
    : decodeData(type, dns.record(type).encode(data));
}

function decodeData(type: TypeName, bytes: Uint8Array): string {
  const data = dns.record(type).decode(Buffer.from(bytes), 0);
  return type === "TXT" ? Buffer.concat(data).toString() : data;
}
