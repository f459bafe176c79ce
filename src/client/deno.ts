/**
 * The client's side of Deno: terminal, signals, HTTP client, WebSocket. No
 * other file of the client names it; node.ts is the same for the library under
 * Node.
 *
 * @module
 */
export { environment } from "../sys/environment.ts";
export { readPlainOrNull } from "../sys/given_file.ts";
import type { Input, Io, Output } from "./io.ts";
import type { HttpClient, UnverifiedAnswer } from "./platform.ts";

const encoder = new TextEncoder();
const DEFAULT_SIZE = { columns: 80, rows: 24 };

type Stream = typeof Deno.stdout | typeof Deno.stderr;

function outputOf(stream: Stream): Output {
  return {
    isTerminal: stream.isTerminal(),
    columns: () => size().columns || DEFAULT_SIZE.columns,
    rows: () => size().rows || DEFAULT_SIZE.rows,
    write(data) {
      const bytes = typeof data === "string" ? encoder.encode(data) : data;
      for (let done = 0; done < bytes.length;) {
        done += writeSome(stream, bytes.subarray(done));
      }
    },
  };
}

function size(): { columns: number; rows: number } {
  try {
    return Deno.consoleSize();
  } catch {
    return DEFAULT_SIZE;
  }
}

/** A terminal that another program left non-blocking may be full for a moment. */
function writeSome(stream: Stream, bytes: Uint8Array): number {
  try {
    return stream.writeSync(bytes);
  } catch (error) {
    if (!(error instanceof Deno.errors.WouldBlock)) throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    return 0;
  }
}

const stdin: Input = {
  get isTerminal() {
    return Deno.stdin.isTerminal();
  },
  setRaw(raw, keepsSignals = false) {
    Deno.stdin.setRaw(raw, { cbreak: keepsSignals });
  },
  async *chunks() {
    const buffer = new Uint8Array(16 * 1024);
    while (true) {
      const length = await Deno.stdin.read(buffer);
      if (length === null) return;
      yield buffer.slice(0, length);
    }
  },
};

/** The machine that this process runs on. */
export function systemIo(): Io {
  return {
    stdout: outputOf(Deno.stdout),
    stderr: outputOf(Deno.stderr),
    stdin,
    env: (name) => Deno.env.get(name),
    now: () => Date.now(),
    onInterrupt(handler) {
      const signals: Deno.Signal[] = ["SIGINT", "SIGTERM", "SIGHUP"];
      for (const signal of signals) Deno.addSignalListener(signal, handler);
      return {
        [Symbol.dispose]() {
          for (const signal of signals) {
            Deno.removeSignalListener(signal, handler);
          }
        },
      };
    },
  };
}

/** Deno's own version, for `usher version`. */
export function runtimeVersion(): string {
  return Deno.version.deno;
}

/** New connections that trust `caPem`, or the machine's authorities. */
export function openHttpClient(caPem: string | undefined): HttpClient {
  const client = Deno.createHttpClient(
    caPem === undefined ? {} : { caCerts: [caPem] },
  );
  return {
    fetch: (url, init) => fetch(url, { ...init, client }),
    openSocket(url, headers) {
      // The type of the options is older than the options themselves.
      const options = { headers, client } as unknown as string[];
      return new WebSocket(url, options);
    },
    [Symbol.dispose]() {
      client.close();
    },
  };
}

/**
 * GETs `url` without checking who answers. Send nothing secret this way.
 *
 * Written on a bare socket, since `node:https` of Deno 2.6 cannot be told to
 * speak to a server that it does not trust. HTTP/1.0 has no chunks to join.
 */
export async function getUnverified(
  url: string,
  signal: AbortSignal,
): Promise<UnverifiedAnswer> {
  const { connect } = await import("node:tls");
  const { hostname, port, pathname } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  let notBefore: string | undefined;
  let notAfter: string | undefined;
  const text = await new Promise<string>((resolve, reject) => {
    let received = "";
    const socket = connect({
      host,
      port: Number(port || 443),
      // A name that is an address must not be asked for by name.
      ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"],
    }, () => {
      ({ valid_from: notBefore, valid_to: notAfter } = socket
        .getPeerCertificate() ?? {});
      socket.write(`GET ${pathname} HTTP/1.0\r\nHost: ${hostname}\r\n\r\n`);
    });
    signal.addEventListener("abort", () => socket.destroy(signal.reason), {
      once: true,
    });
    socket.setEncoding("utf8");
    socket.on("data", (part: string) => received += part);
    socket.on("end", () => resolve(received));
    socket.on("error", reject);
  });
  const [head = "", body = ""] = text.split(/\r\n\r\n([\s\S]*)/);
  const [, status = "0"] = /^HTTP\/1\.[01] (\d{3})/.exec(head) ?? [];
  const [, date] = /^date: (.*)$/im.exec(head) ?? [];
  return { status: Number(status), body, date, notBefore, notAfter };
}
