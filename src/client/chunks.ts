/**
 * The body of an answer as it comes, given up with a signal.
 *
 * That is not left to the signal that `fetch` was given: Deno forgets it now and
 * then once the headers are there, and a stream that nobody reads any more would
 * go on for ever, with its beats, on a connection that others share.
 *
 * It is read into one buffer again and again where the platform can: a list that
 * is printed as it comes leaves nothing behind.
 *
 * @module
 */
import { JoinedSignal } from "../sys/joined_signal.ts";

/** Silence in the middle of an answer after which its connection counts as cut. */
const SILENCE_MS = 60_000;

/** All of `body` as text. Throws the reason of `signal`, and when nothing comes any more. */
export async function textOf(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
  silenceMs = SILENCE_MS,
): Promise<string> {
  const silent = new AbortController();
  const end = () => silent.abort(new Error("It has fallen silent"));
  using joined = new JoinedSignal(
    silent.signal,
    ...(signal === undefined ? [] : [signal]),
  );
  const decoder = new TextDecoder();
  let text = "";
  let timer = setTimeout(end, silenceMs);
  try {
    for await (const chunk of chunksOf(body, joined.signal)) {
      text += decoder.decode(chunk, { stream: true });
      clearTimeout(timer);
      timer = setTimeout(end, silenceMs);
    }
    return text + decoder.decode();
  } finally {
    clearTimeout(timer);
  }
}

const BUFFER_BYTES = 64 * 1024;

/**
 * What comes of `body` until its end, or until `signal` aborts, which throws its
 * reason. A chunk is good until the next one is asked for.
 */
export async function* chunksOf(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  const { reader, read } = readerOf(body);
  const stop = () => void reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await read();
      signal?.throwIfAborted();
      if (done) return;
      yield value;
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
  }
}

interface Reading {
  readonly reader: Pick<ReadableStreamDefaultReader, "cancel">;
  read(): Promise<ReadableStreamReadResult<Uint8Array>>;
}

/** A reader that brings its buffer, or what the stream takes. */
function readerOf(body: ReadableStream<Uint8Array>): Reading {
  let buffer = new ArrayBuffer(BUFFER_BYTES);
  let own: ReadableStreamBYOBReader;
  try {
    own = body.getReader({ mode: "byob" });
  } catch {
    const reader = body.getReader();
    return { reader, read: () => reader.read() };
  }
  return {
    reader: own,
    async read() {
      const result = await own.read(new Uint8Array(buffer));
      if (result.value !== undefined) buffer = result.value.buffer;
      return result as ReadableStreamReadResult<Uint8Array>;
    },
  };
}
