/**
 * The name server: questions and updates, over TCP, signed, and their answers.
 *
 * Those of one piece of work go over one connection, side by side; it is
 * closed with the last such work, so that none is kept open for nothing.
 *
 * @module
 */
import { type ConnectionOptions, Line, overTcp } from "./connection.ts";
import {
  decodeResponse,
  type DnsRecord,
  type DnsResponse,
  encodeQuery,
  encodeUpdate,
  RCODE,
  type TypeName,
} from "./message.ts";
import { sign, type TsigKey, verify } from "./tsig.ts";

/** Where the server is, and how it is spoken to. */
export interface NameServerOptions {
  readonly host: string;
  readonly port: number;
  readonly key: TsigKey;
  /** How long one answer may take. */
  readonly timeoutMs: number;
}

/** How long a server that did not answer is left alone: each VM would wait for it anew. */
const REST_MS = 5000;

const OTHER_QUESTION = "DNS answer is to another question";
/** How many messages of a transfer may come without a signature (RFC 8945, 5.3.1). */
const UNSIGNED = 99;
/** A zone of half a million names. */
const MAX_ZONE_BYTES = 128 * 1024 * 1024;

/** What an update came to: done, or one of the conditions that did not hold. */
export type UpdateOutcome = "done" | "condition";

const CONDITIONS: readonly number[] = [
  RCODE.NXDOMAIN,
  RCODE.YXDOMAIN,
  RCODE.YXRRSET,
  RCODE.NXRRSET,
];

/** What servers mean by the other codes. */
const MEANINGS: Readonly<Record<number, string>> = {
  1: "FORMERR: it does not understand the update",
  2: "SERVFAIL: it cannot write the zone",
  4: "NOTIMP: it takes no updates",
  5: "REFUSED: the key may not change this",
  9: "NOTAUTH: it is not the primary server of the zone, or does not know the key",
  10: "NOTZONE: a name lies outside the zone",
};

/** A zone that the server does not let be read. */
export class NotReadable extends Error {
  override readonly name = "NotReadable";
}

/** What the server says no to; others may be told to it. */
export class NotAllowed extends Error {
  override readonly name = "NotAllowed";
}

/** Codes that are about what was asked, and not about the server. */
const NOT_ALLOWED: readonly number[] = [RCODE.REFUSED, RCODE.NOTZONE];

/** A name server that takes updates. */
export class NameServer {
  readonly #options: NameServerOptions;
  #restsUntil = 0;
  #line: Line | null = null;
  /** How much work goes on that uses the line. */
  #users = 0;

  constructor(options: NameServerOptions) {
    this.#options = options;
  }

  /** Has all that `work` asks and changes go over one connection. */
  async session<T>(work: () => Promise<T>): Promise<T> {
    this.#users++;
    try {
      return await work();
    } finally {
      if (--this.#users === 0) {
        this.#line?.close();
        this.#line = null;
      }
    }
  }

  /** The records of one kind that a name has. */
  async query(
    name: string,
    type: TypeName,
    signal: AbortSignal,
  ): Promise<string[]> {
    const { rcode, answers } = await this.#exchange(
      (id) => encodeQuery(id, name, type),
      signal,
    );
    if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) {
      throw refused(`asked for "${name}"`, rcode);
    }
    return answers.filter((it) =>
      it.type === type && it.name === name.toLowerCase()
    ).map(({ data }) => data ?? "");
  }

  /** Changes a zone if what is required holds. Throws when the server says no. */
  async update(
    zone: string,
    requires: readonly DnsRecord[],
    changes: readonly DnsRecord[],
    signal: AbortSignal,
  ): Promise<UpdateOutcome> {
    const { rcode } = await this.#exchange(
      (id) => encodeUpdate(id, { zone, requires, changes }),
      signal,
    );
    if (rcode === RCODE.NOERROR) return "done";
    if (CONDITIONS.includes(rcode)) return "condition";
    throw refused(`told to change zone "${zone}"`, rcode);
  }

  /**
   * Reads a whole zone (AXFR, RFC 5936), a record at a time. Throws when the
   * server does not let it be read, or what comes is not signed to its end.
   */
  async transfer(
    zone: string,
    hear: (record: DnsRecord) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { key } = this.#options;
    const connection = this.#prepared();
    const [id = 0] = crypto.getRandomValues(new Uint16Array(1));
    const asked = await sign(encodeQuery(id, zone, "AXFR"), key, seconds());
    const read = async (next: () => Promise<Uint8Array>) => {
      let { mac } = asked;
      let soas = 0;
      let size = 0;
      // Null before the first message, which is always signed.
      let between: Uint8Array[] | null = null;
      while (soas < 2 || (between?.length ?? 0) > 0) {
        const bytes = await next();
        const response = decodeResponse(bytes);
        const { tsig, answers, rcode } = response;
        if (tsig === null && between !== null && between.length < UNSIGNED) {
          between.push(bytes);
        } else {
          const more = between === null ? {} : { between };
          mac = await verify(bytes, tsig, {
            key,
            mac,
            nowS: seconds(),
            ...more,
          });
          between = [];
        }
        if (response.id !== id) throw new Error(OTHER_QUESTION);
        if (rcode !== RCODE.NOERROR) {
          throw new NotReadable(
            refused(`asked for all of zone "${zone}"`, rcode).message,
          );
        }
        size += bytes.length;
        if (size > MAX_ZONE_BYTES) {
          throw new Error(`Zone "${zone}" is larger than can be read`);
        }
        soas += response.soas;
        for (const record of answers) hear(record);
      }
    };
    await overTcp(asked.bytes, connection, { signal, read });
  }

  #exchange(
    encode: (id: number) => Uint8Array,
    signal: AbortSignal,
  ): Promise<DnsResponse> {
    return this.session(async () => {
      const { key } = this.#options;
      const connection = this.#prepared();
      if (this.#line === null || this.#line.isBroken) {
        this.#line = new Line(connection);
      }
      let mac: Uint8Array = new Uint8Array();
      let asked = 0;
      const answer = await this.#line.ask(async (id) => {
        const signed = await sign(encode(id), key, seconds());
        [mac, asked] = [signed.mac, id];
        return signed.bytes;
      }, signal);
      const response = decodeResponse(answer);
      await verify(answer, response.tsig, { key, mac, nowS: seconds() });
      if (response.id !== asked) throw new Error(OTHER_QUESTION);
      return response;
    });
  }

  /** How to reach it; throws while it rests. */
  #prepared(): ConnectionOptions {
    const { host, port, timeoutMs } = this.#options;
    if (Date.now() < this.#restsUntil) {
      throw new Error(`DNS server ${host}:${port} has just not answered`);
    }
    const late = () => {
      this.#restsUntil = Date.now() + REST_MS;
    };
    return { host, port, timeoutMs, late };
  }
}

function refused(what: string, rcode: number): Error {
  const text = `DNS server, ${what}, says ${
    MEANINGS[rcode] ?? `code ${rcode}`
  }`;
  return NOT_ALLOWED.includes(rcode) ? new NotAllowed(text) : new Error(text);
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
