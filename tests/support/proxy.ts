/**
 * A TCP proxy that breaks links on purpose: cuts them, or lets them stand
 * half open with nothing flowing, or slows them down.
 *
 * @module
 */

interface Pair {
  readonly ends: readonly [Deno.TcpConn, Deno.TcpConn];
  stalled: boolean;
}

/** What the proxy does to every connection, until it is told otherwise. */
interface Weather {
  /** What comes arrives so much later. */
  delayMs: number;
  /** After so many bytes, in either direction, everything is cut. */
  bytesLeft: number;
}

/** A port that leads to another one. */
export class Proxy implements AsyncDisposable {
  readonly port: number;
  readonly #listener: Deno.TcpListener;
  readonly #target: number;
  readonly #pairs = new Set<Pair>();
  readonly #weather: Weather = { delayMs: 0, bytesLeft: Infinity };
  readonly #accepting: Promise<void>;
  /** Connections that were let through so far. */
  accepted = 0;
  /** Nothing comes through any more, and nothing new. */
  #isShut = false;

  constructor(target: number) {
    this.#target = target;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#accepting = this.#accept();
  }

  /** Closes every connection; new ones are let through. */
  cut(): void {
    for (const { ends } of this.#pairs) for (const end of ends) close(end);
  }

  /** Closes every connection, and lets no new one through until `open`. */
  shut(): void {
    this.#isShut = true;
    this.cut();
  }

  /** Lets new connections through again. */
  open(): void {
    this.#isShut = false;
  }

  /** Lets everything arrive so much later, either way. */
  delay(ms: number): void {
    this.#weather.delayMs = ms;
  }

  /** Cuts every connection once so many more bytes have passed, be it in the middle of a frame. */
  cutAfter(bytes: number): void {
    this.#weather.bytesLeft = bytes;
  }

  /** Nothing flows any more over what is open now, though it stays open. */
  stall(): void {
    for (const pair of this.#pairs) pair.stalled = true;
  }

  async #accept(): Promise<void> {
    for await (const from of this.#listener) {
      if (this.#isShut) {
        close(from);
        continue;
      }
      try {
        const to = await Deno.connect({
          hostname: "127.0.0.1",
          port: this.#target,
        });
        this.#join(from, to);
      } catch {
        close(from);
      }
    }
  }

  #join(from: Deno.TcpConn, to: Deno.TcpConn): void {
    from.setNoDelay();
    to.setNoDelay();
    this.accepted++;
    const pair: Pair = { ends: [from, to], stalled: false };
    this.#pairs.add(pair);
    void Promise.all([
      this.#carry(from, to, pair),
      this.#carry(to, from, pair),
    ])
      .finally(() => {
        for (const end of pair.ends) close(end);
        this.#pairs.delete(pair);
      });
  }

  /** Carries bytes one way until either end closes; what comes while stalled is lost. */
  async #carry(
    from: Deno.TcpConn,
    to: Deno.TcpConn,
    pair: Pair,
  ): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        const count = await from.read(buffer);
        if (count === null) break;
        if (pair.stalled) continue;
        await this.#lag();
        const passed = Math.min(count, this.#weather.bytesLeft);
        this.#weather.bytesLeft -= passed;
        for (let at = 0; at < passed;) {
          at += await to.write(buffer.subarray(at, passed));
        }
        if (passed < count) {
          this.#weather.bytesLeft = Infinity;
          this.cut();
        }
      }
    } catch {
      // Cut.
    }
    if (!pair.stalled) close(to);
  }

  async #lag(): Promise<void> {
    const { delayMs } = this.#weather;
    if (delayMs === 0) return;
    await new Promise((resolve) => setTimeout(resolve, delayMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting.catch(() => {});
    this.cut();
  }
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // Closed already.
  }
}
