/**
 * What every link must keep, real or simulated: one request whose two bodies
 * stream side by side. The roles count on no more than this.
 *
 * @module
 */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { decodeLines, encodeLine } from "../../src/link/ndjson.ts";
import type { Envelope } from "../../src/link/outbox.ts";
import { Session } from "../../src/link/session.ts";
import type { Clock } from "../../src/sys/clock.ts";

type Bytes = ReadableStream<Uint8Array>;

/** Answers a request by its body. */
export type Answering = (body: Bytes) => Response;

/** A link that can be made, and a way to let its time pass. */
export interface LinkHarness extends AsyncDisposable {
  readonly clock: Clock;
  /** Who answers from now on; null for nobody. */
  listen(answering: Answering | null): void;
  /** Sends `body`; resolves with the answer's when that begins. */
  connect(body: Bytes, signal: AbortSignal): Promise<Bytes>;
  /** Waits, with a deadline, until `predicate` holds. */
  until(what: string, predicate: () => boolean): Promise<void>;
}

/** A stream that is written to by hand. */
function pipe() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  return { readable, writer: writable.getWriter() };
}

/** Collects the lines of a stream, and how it ended. */
function collect(stream: Bytes) {
  const lines: unknown[] = [];
  const seen = { lines, over: false, broken: false };
  (async () => {
    for await (const line of decodeLines(stream, 32 * 1024 * 1024)) {
      lines.push(line);
    }
  })().catch(() => seen.broken = true).finally(() => seen.over = true);
  return seen;
}

/** Registers the suite for one implementation. */
export function linkConformance(
  name: string,
  makeHarness: () => Promise<LinkHarness>,
): void {
  function test(
    title: string,
    run: (harness: LinkHarness, signal: AbortSignal) => Promise<void>,
  ): void {
    Deno.test({
      name: `link ${name}: ${title}`,
      // What is cut off on purpose ends when the runtime notices.
      sanitizeOps: false,
      sanitizeResources: false,
      fn: async () => {
        await using harness = await makeHarness();
        const end = new AbortController();
        try {
          await run(harness, end.signal);
        } finally {
          end.abort();
        }
      },
    });
  }

  test(
    "the answer begins while the request goes on, and both run side by side",
    async (harness, signal) => {
      harness.listen((body) => new Response(body));
      const up = pipe();
      const answered = harness.connect(up.readable, signal);
      let answer: Bytes | null = null;
      answered.then((stream) => answer = stream, () => {});
      await harness.until("the answer begins", () => answer !== null);
      const heard = collect(await answered);
      for (let i = 1; i <= 20; i++) {
        await up.writer.write(encodeLine(i));
        await harness.until(
          `line ${i} is back`,
          () => heard.lines.length === i,
        );
      }
      await up.writer.close();
      await harness.until("the answer ends", () => heard.over);
      strictEqual(heard.broken, false);
    },
  );

  test(
    "bytes arrive whole and in their order, however many leave at once",
    async (harness, signal) => {
      const sizes = [1, 70_000, 3, 300_000, 0, 1_000_000, 17];
      let heard: ReturnType<typeof collect> | null = null;
      harness.listen((body) => {
        heard = collect(body);
        return new Response(pipe().readable);
      });
      const up = pipe();
      void harness.connect(up.readable, signal).catch(() => {});
      const sent = sizes.map((size, i) => ({ i, text: "x".repeat(size) }));
      void (async () => {
        for (const line of sent) await up.writer.write(encodeLine(line));
      })().catch(() => {});
      await harness.until(
        "all is there",
        () => heard?.lines.length === sizes.length,
      );
      deepStrictEqual(heard!.lines, sent);
    },
  );

  test("a client that gives up reads no more, and the server hears the end of its request", async (harness) => {
    const cut = new AbortController();
    let heard: ReturnType<typeof collect> | null = null;
    const down = pipe();
    harness.listen((body) => {
      heard = collect(body);
      void down.writer.write(encodeLine("hello")).catch(() => {});
      return new Response(down.readable);
    });
    const up = pipe();
    const connected = harness.connect(up.readable, cut.signal);
    let answer: ReturnType<typeof collect> | null = null;
    connected.then((stream) => answer = collect(stream), () => {});
    await harness.until("something is heard", () => answer?.lines.length === 1);
    // As a session does it: its own stream ends before the link is cut.
    void up.writer.close().catch(() => {});
    cut.abort();
    await harness.until(
      "the request is over for both",
      () => answer!.over && heard!.over,
    );
  });

  test(
    "the end of the answer takes the request with it, at the latest when more is sent",
    async (harness, signal) => {
      let heard: ReturnType<typeof collect> | null = null;
      harness.listen((body) => {
        heard = collect(body);
        return new Response(new Blob([encodeLine("bye")]).stream());
      });
      const up = pipe();
      let isStopped = false;
      up.writer.closed.catch(() => isStopped = true);
      const connected = harness.connect(up.readable, signal);
      let answer: ReturnType<typeof collect> | null = null;
      connected.then((stream) => answer = collect(stream), () => {});
      await harness.until("the answer ends", () => answer?.over === true);
      deepStrictEqual([answer!.lines, answer!.broken], [["bye"], false]);
      await harness.until("the request is over at both ends", () => {
        void up.writer.write(encodeLine("more")).catch(() => {});
        return heard!.over && isStopped;
      });
      strictEqual(heard!.broken, true);
    },
  );

  test("where nobody listens nothing connects", async (harness, signal) => {
    harness.listen(null);
    let failed = false;
    const connecting = harness.connect(pipe().readable, signal);
    connecting.catch(() => failed = true);
    await harness.until("it failed", () => failed);
    await rejects(connecting);
  });

  test(
    "a reader that takes nothing holds up its sender",
    async (harness, signal) => {
      harness.listen(() => new Response(pipe().readable));
      let sent = 0;
      const up = new ReadableStream<Uint8Array>({
        pull(controller) {
          sent++;
          controller.enqueue(new Uint8Array(64 * 1024));
        },
      }, { highWaterMark: 0 });
      void harness.connect(up, signal).catch(() => {});
      await harness.until("the sender began", () => sent > 10);
      let before = -1;
      await harness.until("the sender waits", () => {
        const isSame = before === sent;
        before = sent;
        return isSame;
      });
      ok(sent < 1000, `${sent} pieces of 64 KiB were taken`);
    },
  );

  test(
    "two sessions over it give each other every reliable frame once, in order",
    async (harness, signal) => {
      interface Frame extends Envelope {
        readonly n: number;
      }
      const session = (incoming: Bytes) =>
        new Session<Frame, Frame>({
          clock: harness.clock,
          incoming,
          parse: (value) => value as Frame,
          beat: () => ({ n: 0 }),
          beatMs: 20,
          deadMs: 30_000,
          maxFrameBytes: 1000,
        });
      const take = async (its: Session<Frame, Frame>, into: number[]) => {
        for await (const { n } of its.frames()) if (n > 0) into.push(n);
      };
      const [atServer, atClient]: [number[], number[]] = [[], []];
      const served: Session<Frame, Frame>[] = [];
      harness.listen((body) => {
        const its = session(body);
        served.push(its);
        its.startHeartbeat();
        void take(its, atServer);
        for (let n = 1; n <= 500; n++) its.sendReliable({ n });
        return new Response(its.outgoing);
      });
      const down = pipe();
      const mine = session(down.readable);
      void harness.connect(mine.outgoing, signal).then(async (stream) => {
        for await (const chunk of stream) await down.writer.write(chunk);
      }).catch(() => {});
      void take(mine, atClient);
      mine.startHeartbeat();
      for (let n = 1; n <= 500; n++) mine.sendReliable({ n });
      await harness.until(
        "all frames are there, and acknowledged",
        () =>
          atServer.length === 500 && atClient.length === 500 &&
          mine.outbox.unacknowledged().length === 0 &&
          served[0]?.outbox.unacknowledged().length === 0,
      );
      const wanted = Array.from({ length: 500 }, (_, i) => i + 1);
      deepStrictEqual(atServer, wanted);
      deepStrictEqual(atClient, wanted);
      mine.close("done");
      served[0]?.close("done");
    },
  );
}
