/**
 * The name server: one question or update, over TCP, signed, and its answer.
 *
 * @module
 */
import {
  decodeResponse,
  type DnsRecord,
  type DnsResponse,
  encodeQuery,
  encodeUpdate,
  joined,
  RCODE,
  type TypeName,
  u16,
  viewOf,
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

/** A name server that takes updates. */
export class NameServer {
  readonly #options: NameServerOptions;
  #restsUntil = 0;

  constructor(options: NameServerOptions) {
    this.#options = options;
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

  async #exchange(
    encode: (id: number) => Uint8Array,
    signal: AbortSignal,
  ): Promise<DnsResponse> {
    const { host, port, key } = this.#options;
    if (Date.now() < this.#restsUntil) {
      throw new Error(`DNS server ${host}:${port} has just not answered`);
    }
    const [id = 0] = crypto.getRandomValues(new Uint16Array(1));
    const { bytes, mac } = await sign(encode(id), key, seconds());
    const answer = await overTcp(bytes, {
      ...this.#options,
      signal,
      late: () => this.#restsUntil = Date.now() + REST_MS,
    });
    const response = decodeResponse(answer);
    await verify(answer, response.tsig, { key, mac, nowS: seconds() });
    if (response.id !== id) {
      throw new Error("DNS answer is to another question");
    }
    return response;
  }
}

function refused(what: string, rcode: number): Error {
  return new Error(
    `DNS server, ${what}, says ${MEANINGS[rcode] ?? `code ${rcode}`}`,
  );
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** One message there and one back; the connection is closed whatever happens. */
async function overTcp(
  message: Uint8Array,
  { host, port, timeoutMs, signal, late }: {
    readonly host: string;
    readonly port: number;
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
    /** Called when it does not answer in time. */
    readonly late: () => void;
  },
): Promise<Uint8Array> {
  signal.throwIfAborted();
  const where = `DNS server ${host}:${port}`;
  const { promise: over, reject } = Promise.withResolvers<never>();
  over.catch(() => {});
  const end = (why: string) => reject(new Error(why));
  const timer = setTimeout(() => {
    late();
    end(`${where} does not answer within ${timeoutMs} ms`);
  }, timeoutMs);
  const aborted = () => end(`${where} was not waited for any longer`);
  signal.addEventListener("abort", aborted, { once: true });
  const connecting = Deno.connect({ hostname: host, port });
  try {
    const connection = await Promise.race([connecting, over]);
    return await Promise.race([roundTrip(connection, message), over]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", aborted);
    // Also when it opens only after nobody waits for it any longer.
    void connecting.then((it) => it.close()).catch(() => {});
  }
}

async function roundTrip(
  connection: Deno.TcpConn,
  message: Uint8Array,
): Promise<Uint8Array> {
  const bytes = joined([u16(message.length), message]);
  for (let sent = 0; sent < bytes.length;) {
    sent += await connection.write(bytes.subarray(sent));
  }
  const length = viewOf(await readFully(connection, 2)).getUint16(0);
  return await readFully(connection, length);
}

async function readFully(
  connection: Deno.TcpConn,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let read = 0; read < length;) {
    const count = await connection.read(bytes.subarray(read));
    if (count === null) throw new Error("DNS server ends the connection");
    read += count;
  }
  return bytes;
}
