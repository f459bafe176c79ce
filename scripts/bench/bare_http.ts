/**
 * The floor of an answer of the API: HTTP/2 over TLS that answers the same
 * bytes, in a process of its own, and does nothing for it.
 *
 * Run as a program it is the process; imported it starts one.
 *
 * @module
 */
import { CA_A, CERT_A, KEY_A } from "../../tests/support/certificates.ts";
import { HttpClient } from "../../src/sys/http_client.ts";

/** A running echo, and a connection to it. */
export class BareHttp implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #url: string;
  readonly #client = new HttpClient(CA_A);

  private constructor(child: Deno.ChildProcess, port: string) {
    this.#child = child;
    this.#url = `https://127.0.0.1:${port}/`;
  }

  /** Starts one that answers `bytes` bytes in pieces of 64 KiB at most. */
  static async start(bytes: number): Promise<BareHttp> {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--allow-all", "--no-check", "--quiet"],
        ...[import.meta.filename ?? "", String(bytes)],
      ],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    const { value = "" } = await reader.read();
    reader.releaseLock();
    return new BareHttp(child, value.trim());
  }

  /** One answer, read to its end. */
  async get(): Promise<void> {
    const response = await this.#client.fetch(this.#url);
    for await (const _ of response.body ?? []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
    this.#child.kill("SIGTERM");
    await this.#child.stdout.cancel().catch(() => {});
    await this.#child.status;
  }
}

const PIECE = 64 * 1024;

function serve(bytes: number): void {
  const small = "x".repeat(Math.min(bytes, PIECE));
  const piece = new TextEncoder().encode(small);
  Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    cert: CERT_A,
    key: KEY_A,
    onListen: ({ port }) => console.log(port),
  }, () => {
    if (bytes <= PIECE) return new Response(small);
    let left = bytes;
    return new Response(
      new ReadableStream({
        pull(controller) {
          if (left <= 0) return controller.close();
          controller.enqueue(piece.slice());
          left -= PIECE;
        },
      }, { highWaterMark: 0 }),
    );
  });
}

if (import.meta.main) serve(Number(Deno.args[0]));
